"""The routes of the webhooks of a practice, and of what they were sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, Field

from services.booking import OWN
from services.booking.actions import Booking
from services.booking.actions.profiles import ChangedMeanwhile
from services.booking.actions.webhooks import Wish
from services.booking.domain.key import Scope
from services.booking.domain.refusals import NoSuchPractice
from services.booking.domain.webhook import (
    EVERYTHING,
    Delivery,
    DeliveryState,
    Endpoint,
    NoSuchDelivery,
    NoSuchWebhook,
    NotAnAddress,
    TooManyWebhooks,
    written,
)
from services.booking.moments import Instant
from services.booking.routes.hand import hand_of
from services.booking.routes.practices import PRACTICE
from shared.httpkit import Answer, Ask, Payload, Route, Who

WEBHOOKS: Final = f"{PRACTICE}/webhooks"
WEBHOOK: Final = f"{WEBHOOKS}/{{webhook}}"
DELIVERIES: Final = f"{WEBHOOK}/deliveries"
NAMES: Final = frozenset({EVERYTHING, *(event.name for event in OWN)})


def _event(name: str) -> str:
    if name not in NAMES:
        raise ValueError("not the name of an event of an appointment, like booking.appointment.confirmed.v1, nor *")
    return name


Address = Annotated[str, Field(min_length=8, max_length=500, description="HTTPS address that is posted to")]
Events = Annotated[
    list[Annotated[str, AfterValidator(_event), Field(json_schema_extra={"enum": sorted(NAMES)})]],
    Field(min_length=1, max_length=len(NAMES)),
]


class WebhookBody(Payload):
    """What is posted holds clients' names and numbers, so this scope is as good as reading visits and clients."""

    url: Address
    events: Events = Field([EVERYTHING], min_length=1, max_length=len(NAMES))


class WebhookPatch(Payload):
    """What is absent stays as it is."""

    url: Address | None = None
    events: Events | None = None
    enabled: bool | None = None


class WebhookView(BaseModel):
    id: str
    url: str
    events: list[str]
    enabled: bool
    made_at: datetime
    rotated_at: datetime | None = None


class WebhookSecret(WebhookView):
    secret: str = Field(description="verifies the signatures; it is told on making and on rotating only")


class WebhookList(BaseModel):
    webhooks: list[WebhookView]


class DeliveriesQuery(Payload):
    """`before` is the id of the last delivery of the page before."""

    state: DeliveryState | None = None
    before: str | None = Field(None, pattern="^msg_[a-z2-7]{26}$")
    limit: int = Field(50, ge=1, le=100)


class DeliveryView(BaseModel):
    """`id` is the `webhook-id` that every try carries."""

    id: str
    event: str
    state: DeliveryState
    tries: int
    made_at: datetime
    tried_at: datetime | None = None
    next_try_at: datetime | None = None
    status: int | None = Field(None, description="of the last answer; absent if there was none")
    problem: str | None = None


class DeliveryList(BaseModel):
    """The newest first; each is kept for 30 days."""

    deliveries: list[DeliveryView]


class ReplayBody(Payload):
    since: Instant
    states: list[DeliveryState] = Field([DeliveryState.FAILED], min_length=1, max_length=len(DeliveryState))


class Replayed(BaseModel):
    replayed: int


class WebhookRoutes:
    def __init__(self, booking: Booking) -> None:
        self._webhooks = booking.webhooks
        self._deliveries = booking.deliveries

    def keeping(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path=WEBHOOKS,
                handler=self.add_webhook,
                summary="Be told of every turn of the practice's appointments; the secret is answered once",
                body=WebhookBody,
                answers={201: WebhookSecret},
                refuses=(NoSuchPractice, NotAnAddress, TooManyWebhooks),
                who=Who.OPERATOR,
                scope=Scope.WEBHOOKS_WRITE,
            ),
            Route(
                method="GET",
                path=WEBHOOKS,
                handler=self.list_webhooks,
                summary="The webhooks of the practice",
                answers={200: WebhookList},
                who=Who.OPERATOR,
                scope=Scope.WEBHOOKS_WRITE,
            ),
            Route(
                method="GET",
                path=WEBHOOK,
                handler=self.show_webhook,
                summary="One webhook",
                answers={200: WebhookView},
                refuses=(NoSuchWebhook,),
                who=Who.OPERATOR,
                scope=Scope.WEBHOOKS_WRITE,
            ),
            Route(
                method="PATCH",
                path=WEBHOOK,
                handler=self.change_webhook,
                summary="Change where and of what is told, or switch it off and on",
                body=WebhookPatch,
                answers={200: WebhookView},
                refuses=(NoSuchWebhook, NotAnAddress, ChangedMeanwhile),
                who=Who.OPERATOR,
                scope=Scope.WEBHOOKS_WRITE,
            ),
        ]

    def ending(self) -> Sequence[Route]:
        return [
            Route(
                method="DELETE",
                path=WEBHOOK,
                handler=self.remove_webhook,
                summary="Be told no more",
                answers={204: None},
                refuses=(NoSuchWebhook, ChangedMeanwhile),
                who=Who.OPERATOR,
                scope=Scope.WEBHOOKS_WRITE,
            ),
            Route(
                method="POST",
                path=f"{WEBHOOK}/rotate",
                handler=self.rotate_webhook,
                summary="A new secret; the old one signs beside it for 24 hours",
                answers={200: WebhookSecret},
                refuses=(NoSuchWebhook, ChangedMeanwhile),
                who=Who.OPERATOR,
                scope=Scope.WEBHOOKS_WRITE,
            ),
        ]

    def sending(self) -> Sequence[Route]:
        return [
            Route(
                method="GET",
                path=DELIVERIES,
                handler=self.list_deliveries,
                summary="What was sent or will be, the newest first",
                query=DeliveriesQuery,
                answers={200: DeliveryList},
                refuses=(NoSuchWebhook,),
                who=Who.OPERATOR,
                scope=Scope.WEBHOOKS_WRITE,
            ),
            Route(
                method="POST",
                path=f"{DELIVERIES}/{{delivery}}/replay",
                handler=self.replay_delivery,
                summary="Send one once more, under the same id",
                answers={202: DeliveryView},
                refuses=(NoSuchWebhook, NoSuchDelivery),
                who=Who.OPERATOR,
                scope=Scope.WEBHOOKS_WRITE,
            ),
            Route(
                method="POST",
                path=f"{WEBHOOK}/replay",
                handler=self.replay_since,
                summary="Send everything since a moment once more that failed, or is in the given states",
                body=ReplayBody,
                answers={202: Replayed},
                refuses=(NoSuchWebhook,),
                who=Who.OPERATOR,
                scope=Scope.WEBHOOKS_WRITE,
            ),
        ]

    async def add_webhook(self, ask: Ask[WebhookBody, None]) -> Answer:
        events = tuple(dict.fromkeys(ask.body.events))
        made = await self._webhooks.add(ask.path["practice"], ask.body.url, events, hand=hand_of(ask))
        return Answer(201, self._with_secret(made))

    async def list_webhooks(self, ask: Ask[None, None]) -> Answer:
        found = await self._webhooks.of(ask.path["practice"])
        return Answer(200, WebhookList(webhooks=[_view(endpoint) for endpoint in found]))

    async def show_webhook(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, _view(await self._webhooks.get(ask.path["practice"], ask.path["webhook"])))

    async def change_webhook(self, ask: Ask[WebhookPatch, None]) -> Answer:
        events = None if ask.body.events is None else tuple(dict.fromkeys(ask.body.events))
        wish = Wish(url=ask.body.url, events=events, enabled=ask.body.enabled)
        changed = await self._webhooks.change(ask.path["practice"], ask.path["webhook"], wish, hand=hand_of(ask))
        return Answer(200, _view(changed))

    async def remove_webhook(self, ask: Ask[None, None]) -> Answer:
        await self._webhooks.remove(ask.path["practice"], ask.path["webhook"], hand=hand_of(ask))
        return Answer(204)

    async def rotate_webhook(self, ask: Ask[None, None]) -> Answer:
        rotated = await self._webhooks.rotate(ask.path["practice"], ask.path["webhook"], hand=hand_of(ask))
        return Answer(200, self._with_secret(rotated))

    async def list_deliveries(self, ask: Ask[None, DeliveriesQuery]) -> Answer:
        practice, webhook, query = ask.path["practice"], ask.path["webhook"], ask.query
        found = await self._deliveries.page(
            practice, webhook, state=query.state, before=query.before, limit=query.limit
        )
        return Answer(200, DeliveryList(deliveries=[_delivery_view(one) for one in found]))

    async def replay_delivery(self, ask: Ask[None, None]) -> Answer:
        again = await self._deliveries.replay(ask.path["practice"], ask.path["webhook"], ask.path["delivery"])
        return Answer(202, _delivery_view(again))

    async def replay_since(self, ask: Ask[ReplayBody, None]) -> Answer:
        practice, webhook, body = ask.path["practice"], ask.path["webhook"], ask.body
        count = await self._deliveries.replay_since(practice, webhook, body.since, body.states)
        return Answer(202, Replayed(replayed=count))

    def _with_secret(self, endpoint: Endpoint) -> WebhookSecret:
        return WebhookSecret(secret=written(self._webhooks.secret(endpoint)), **dict(_view(endpoint)))


def _view(endpoint: Endpoint) -> WebhookView:
    return WebhookView(
        id=endpoint.id,
        url=endpoint.url,
        events=[*endpoint.events],
        enabled=endpoint.enabled,
        made_at=endpoint.made_at,
        rotated_at=endpoint.rotated_at,
    )


def _delivery_view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        event=delivery.event,
        state=delivery.state,
        tries=delivery.tries,
        made_at=delivery.made_at,
        tried_at=delivery.tried_at,
        next_try_at=delivery.due_at,
        status=delivery.status,
        problem=delivery.problem,
    )
