"""Twilio's Messages API: create, list, fetch, cancel, redact, delete; and what it tells of account and number."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from aiohttp import web
from aiohttp.typedefs import Handler

from deploy.twilio_emulator import misbehaviour, resource
from deploy.twilio_emulator.account import Account
from deploy.twilio_emulator.answers import answer
from deploy.twilio_emulator.background import Background
from deploy.twilio_emulator.carrier import Carrier
from deploy.twilio_emulator.checks import Refused, check_create, check_update, instant
from deploy.twilio_emulator.faults import Door, Faults, Kind
from deploy.twilio_emulator.listing import listed
from deploy.twilio_emulator.message import FINAL, Direction, Message, Status
from deploy.twilio_emulator.messages import Messages
from shared.clock import Clock

FORM = "application/x-www-form-urlencoded"
Plain = Callable[[web.Request], Awaitable[web.Response]]


class Rest:
    def __init__(
        self,
        account: Account,
        messages: Messages,
        carrier: Carrier,
        faults: Faults,
        background: Background,
        *,
        now: Clock,
        fresh: Callable[[], str],
    ) -> None:
        self._account, self._messages, self._carrier, self._faults = account, messages, carrier, faults
        self._background, self._now, self._fresh = background, now, fresh

    def routes(self) -> list[web.RouteDef]:
        texts, text = f"{self._account.base}/Messages.json", f"{self._account.base}/Messages/{{sid}}.json"
        return [
            web.post(texts, self._spoilt("create", self._create)),
            web.get(texts, self._spoilt("list", self._list), allow_head=False),
            web.get(text, self._spoilt("fetch", self._fetch), allow_head=False),
            web.post(text, self._update),
            web.delete(text, self._delete),
            web.get(f"{self._account.base}.json", self._show_account, allow_head=False),
            web.get(f"{self._account.base}/IncomingPhoneNumbers.json", self._numbers, allow_head=False),
        ]

    def _spoilt(self, on: Door, handler: Plain) -> Handler:
        async def spoilt(request: web.Request) -> web.StreamResponse:
            to = (await _form(request)).get("To") or request.query.get("To")
            fault = self._faults.of_request(on, to)
            if fault is None:
                return await handler(request)
            if instead := await misbehaviour.before(fault, request, self._background):
                return instead
            return await misbehaviour.after(fault, request, self._background, await handler(request))

        return spoilt

    async def _create(self, request: web.Request) -> web.Response:
        form, now = await _form(request), self._now()
        check_create(form, self._account, opted_out=self._messages.opted_out, now=now)
        mishaps = self._faults.of_delivery(form["To"])
        late = mishaps.get(Kind.LATE_IN_LIST)
        text = self._messages.put(
            Message(
                sid=f"{'MM' if 'MediaUrl' in form else 'SM'}{self._fresh()}",
                direction=Direction.API,
                to=form["To"],
                sender=form.get("From") or None,
                body=form.get("Body", ""),
                status=_first_status(form),
                created_at=now,
                updated_at=now,
                send_at=instant(form["SendAt"]) if form.get("ScheduleType") else None,
                service=form.get("MessagingServiceSid") or None,
                callback=form.get("StatusCallback") or None,
                valid_for=timedelta(seconds=int(form.get("ValidityPeriod", "36000"))),
                media=1 if "MediaUrl" in form else 0,
                listed_at=now + timedelta(seconds=late.seconds) if late else None,
            )
        )
        self._carrier.take(text, mishaps)
        return answer(resource.message(text, self._account), 201)

    async def _list(self, request: web.Request) -> web.Response:
        to = request.query.get("To", self._account.number)
        texts = self._messages if to == self._account.number else self._messages.with_phone(to)
        return answer(listed(texts, request.query, self._account, now=self._now()))

    async def _fetch(self, request: web.Request) -> web.Response:
        return answer(resource.message(self._known(request), self._account))

    async def _update(self, request: web.Request) -> web.Response:
        form, text = await _form(request), self._known(request)
        check_update(form)
        if "Body" in form:
            changed = self._messages.change(_ended(text, "redact").sid, at=self._now(), body="")
        else:
            changed = self._carrier.cancel(text)
        if changed is None:
            raise Refused(409, 30409, "This message cannot be canceled")
        return answer(resource.message(changed, self._account))

    async def _delete(self, request: web.Request) -> web.Response:
        self._messages.delete(_ended(self._known(request), "delete").sid)
        return web.Response(status=204)

    async def _show_account(self, _: web.Request) -> web.Response:
        return answer(resource.account(self._account))

    async def _numbers(self, request: web.Request) -> web.Response:
        wanted = request.query.get("PhoneNumber", self._account.number)
        return answer(resource.numbers(self._account, wanted))

    def _known(self, request: web.Request) -> Message:
        text = self._messages.get(request.match_info["sid"])
        if text is None:
            raise web.HTTPNotFound
        return text


async def _form(request: web.Request) -> Mapping[str, str]:
    """Anything that is not a form is to Twilio as if nothing had been sent."""
    if request.content_type != FORM:
        return {}
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _first_status(form: Mapping[str, str]) -> Status:
    if form.get("ScheduleType"):
        return Status.SCHEDULED
    return Status.ACCEPTED if form.get("MessagingServiceSid") else Status.QUEUED


def _ended(text: Message, deed: str) -> Message:
    if text.status not in FINAL:
        raise Refused(409, 20009, f"Cannot {deed} message because delivery hasn't been completed.")
    return text
