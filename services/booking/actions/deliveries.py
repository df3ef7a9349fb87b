"""What the webhooks of a practice are owed: noted when a turn is heard of, listed, and sent once more on demand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.booking import telling
from services.booking.actions.webhooks import Webhooks
from services.booking.domain.appointment import Appointment
from services.booking.domain.webhook import Delivery, DeliveryState, NoSuchDelivery, delivery_id
from services.booking.ports import Stores
from shared.clock import Clock
from shared.events import Envelope
from shared.events.booking import AppointmentEvent


class Deliveries:
    def __init__(self, stores: Stores, webhooks: Webhooks, now: Clock) -> None:
        self._deliveries = stores.deliveries
        self._webhooks = webhooks
        self._now = now

    async def heard(self, event: Envelope[AppointmentEvent], visit: Appointment) -> None:
        """Owe it to every endpoint that wants it; heard again, it is owed no second time.

        Of a client who was forgotten meanwhile nothing is told any more, however late the event comes.
        """
        wanting = [one for one in await self._webhooks.listening(event.practice) if one.wants(event.type)]
        if not wanting or visit.client is None:
            return
        now, body = self._now(), telling.body(event)
        owed = [
            Delivery(
                id=delivery_id(endpoint.id, event.id),
                endpoint=endpoint.id,
                practice=event.practice,
                event=event.type,
                client=event.data.client.ref,
                body=body,
                made_at=now,
                since=now,
                due_at=now,
            )
            for endpoint in wanting
        ]
        await self._deliveries.add(owed)

    async def page(
        self, practice: str, webhook: str, *, state: DeliveryState | None, before: str | None, limit: int
    ) -> Sequence[Delivery]:
        """The newest first; `before` is the id of the last one that was seen."""
        endpoint = await self._webhooks.get(practice, webhook)
        return await self._deliveries.page(endpoint.id, state=state, before=before, limit=limit)

    async def replay(self, practice: str, webhook: str, delivery: str) -> Delivery:
        """Send it once more, under the same id, with a new day of tries."""
        endpoint = await self._webhooks.get(practice, webhook)
        again = await self._deliveries.replay(endpoint.id, delivery, self._now())
        if again is None:
            raise NoSuchDelivery("there is no such delivery")
        return again

    async def replay_since(self, practice: str, webhook: str, since: datetime, states: Sequence[DeliveryState]) -> int:
        """How many are sent once more."""
        endpoint = await self._webhooks.get(practice, webhook)
        return await self._deliveries.replay_since(endpoint.id, since, states, self._now())
