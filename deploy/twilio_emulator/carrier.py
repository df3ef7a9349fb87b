"""Carries each text through Twilio's statuses to the phone, and tells the service under test of each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from deploy.twilio_emulator.account import API_VERSION, Account
from deploy.twilio_emulator.background import Background
from deploy.twilio_emulator.faults import Fault, Kind
from deploy.twilio_emulator.message import FINAL, Direction, Message, Status
from deploy.twilio_emulator.messages import Messages
from deploy.twilio_emulator.webhooks import Webhooks
from shared.clock import Clock

EXPIRED = 30036
CANCELABLE = frozenset({Status.SCHEDULED, Status.ACCEPTED, Status.QUEUED})
WAY = (Status.ACCEPTED, Status.QUEUED, Status.SENDING, Status.SENT, Status.DELIVERED)
Mishaps = Mapping[Kind, Fault]
NONE: Mishaps = {}


class Carrier:
    def __init__(
        self, account: Account, messages: Messages, webhooks: Webhooks, background: Background, *, now: Clock
    ) -> None:
        self._account, self._messages, self._webhooks = account, messages, webhooks
        self._background, self._now = background, now

    def take(self, text: Message, mishaps: Mishaps = NONE) -> None:
        self._background.start(self._carry(text, mishaps))

    def resume(self) -> None:
        """Takes up the texts that were under way when the emulator was stopped."""
        for text in reversed(list(self._messages)):
            if text.direction is not Direction.INBOUND and text.status not in FINAL:
                self.take(text)

    def cancel(self, text: Message) -> Message | None:
        """None when the text is on its way already."""
        if text.status not in CANCELABLE:
            return None
        canceled = self._messages.change(text.sid, at=self._now(), status=Status.CANCELED)
        if canceled:
            self._background.start(self._tell([canceled], NONE))
        return canceled

    async def _carry(self, text: Message, mishaps: Mishaps) -> None:
        if text.status is Status.SCHEDULED and text.send_at:
            await asyncio.sleep((text.send_at - self._now()).total_seconds())
        unordered = Kind.UNORDERED_CALLBACKS in mishaps
        passed: list[Message] = []
        receipt: asyncio.Task[None] | None = None
        while changed := await self._step(text.sid, mishaps):
            passed.append(changed)
            if not unordered:
                receipt = self._background.start(self._tell([changed], mishaps, after=receipt))
        if unordered:
            await self._tell(passed[::-1], mishaps)

    async def _step(self, sid: str, mishaps: Mishaps) -> Message | None:
        """Waits and moves the text on by one status; None when there is nothing further."""
        text = self._messages.get(sid)
        if text is None or text.status in FINAL:
            return None
        status = Status.ACCEPTED if text.status is Status.SCHEDULED else text.status
        following = WAY[WAY.index(status) + 1]
        if following is Status.SENDING and not await self._in_time(text, mishaps):
            return self._messages.change(sid, at=self._now(), status=Status.FAILED, error_code=EXPIRED)
        if following is not Status.SENDING:
            await asyncio.sleep(self._account.step.total_seconds())
        return self._messages.change(sid, at=self._now(), **self._arriving(text, following, mishaps))

    async def _in_time(self, text: Message, mishaps: Mishaps) -> bool:
        """Waits in Twilio's queue; False when the text's validity ended there."""
        left = (text.send_at or text.created_at) + text.valid_for - self._now()
        wait = left if Kind.STUCK in mishaps else min(self._account.step, left)
        await asyncio.sleep(wait.total_seconds())
        return wait < left

    def _arriving(self, text: Message, following: Status, mishaps: Mishaps) -> dict[str, Any]:
        match following:
            case Status.QUEUED:
                return {"status": following, "sender": text.sender or self._account.number}
            case Status.SENT:
                return {"status": following, "sent_at": self._now()}
            case Status.SENDING if fault := mishaps.get(Kind.FAILED):
                return {"status": Status.FAILED, "error_code": fault.code}
            case Status.DELIVERED if fault := mishaps.get(Kind.UNDELIVERED):
                return {"status": Status.UNDELIVERED, "error_code": fault.code}
            case _:
                return {"status": following}

    async def _tell(self, texts: list[Message], mishaps: Mishaps, *, after: asyncio.Task[None] | None = None) -> None:
        if after:
            await asyncio.wait([after])
        for text in texts:
            if text.callback:
                await self._post(text.callback, text, mishaps)

    async def _post(self, url: str, text: Message, mishaps: Mishaps) -> None:
        lost, doubled = mishaps.get(Kind.LOST_CALLBACK), mishaps.get(Kind.DUPLICATE_CALLBACK)
        if lost and lost.hits(text.status):
            self._webhooks.lose(url, receipt(text, self._account))
        else:
            copies = 2 if doubled and doubled.hits(text.status) else 1
            await self._webhooks.post(url, receipt(text, self._account), copies=copies)


def receipt(text: Message, account: Account) -> dict[str, str]:
    """The parameters of a status callback."""
    params = {
        "AccountSid": account.sid,
        "ApiVersion": API_VERSION,
        "From": text.sender or "",
        "MessageSid": text.sid,
        "MessageStatus": str(text.status),
        "SmsSid": text.sid,
        "SmsStatus": str(text.status),
        "To": text.to,
    }
    if text.service:
        params["MessagingServiceSid"] = text.service
    if text.error_code:
        params["ErrorCode"] = str(text.error_code)
    if text.status in {Status.DELIVERED, Status.UNDELIVERED}:
        params["RawDlrDoneDate"] = text.updated_at.strftime("%y%m%d%H%M")
    return params
