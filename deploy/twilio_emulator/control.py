"""The emulator's own API under /emulator: arm faults, look at texts and webhooks, text as a phone, clear."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deploy.twilio_emulator import resource
from deploy.twilio_emulator.account import Account
from deploy.twilio_emulator.answers import answer
from deploy.twilio_emulator.checks import E164
from deploy.twilio_emulator.faults import Fault, Faults
from deploy.twilio_emulator.line import Line
from deploy.twilio_emulator.messages import Messages
from deploy.twilio_emulator.webhooks import Posted, Webhooks

LONGEST_WAIT = 25.0
POSTED = TypeAdapter(list[Posted])


class Texted(BaseModel):
    """A text that a phone sends to the number."""

    model_config = ConfigDict(extra="forbid")

    phone: str = Field(alias="from", pattern=f"^{E164.pattern}$")
    body: str = Field(min_length=1, max_length=1600)


class Control:
    def __init__(self, account: Account, messages: Messages, line: Line, faults: Faults, webhooks: Webhooks) -> None:
        self._account, self._messages, self._line = account, messages, line
        self._faults, self._webhooks = faults, webhooks

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/emulator", self._state),
            web.get("/emulator/messages", self._texts),
            web.delete("/emulator/messages", self._clear),
            web.get("/emulator/changes", self._changes),
            web.get("/emulator/webhooks", self._posted),
            web.get("/emulator/faults", self._armed),
            web.post("/emulator/faults", self._arm),
            web.delete("/emulator/faults", self._disarm),
            web.delete("/emulator/faults/{number:[0-9]+}", self._disarm),
            web.post("/emulator/inbound", self._text),
        ]

    async def _state(self, _: web.Request) -> web.Response:
        return answer(
            {
                "account_sid": self._account.sid,
                "number": self._account.number,
                "messages": len(self._messages),
                "opted_out": sorted(self._messages.opted_out),
                "faults": len(self._faults.armed()),
                "version": self._messages.version,
            }
        )

    async def _texts(self, request: web.Request) -> web.Response:
        phone = request.query.get("phone")
        texts = self._messages.with_phone(phone) if phone else self._messages
        return answer({"messages": [resource.message(text, self._account) for text in texts]})

    async def _clear(self, _: web.Request) -> web.Response:
        self._messages.clear()
        self._webhooks.posted.clear()
        return web.Response(status=204)

    async def _changes(self, request: web.Request) -> web.Response:
        """Answers as soon as anything changed after the version named, at the latest after 25 seconds."""
        after = request.query.get("after", "")
        known = int(after) if after.isdecimal() else -1
        return answer({"version": await self._messages.changed_since(known, within=LONGEST_WAIT)})

    async def _posted(self, _: web.Request) -> web.Response:
        return answer({"webhooks": POSTED.dump_python(list(self._webhooks.posted), mode="json")})

    async def _armed(self, _: web.Request) -> web.Response:
        faults = [{"number": number, **fault.model_dump(mode="json")} for number, fault in self._faults.armed().items()]
        return answer({"faults": faults})

    async def _arm(self, request: web.Request) -> web.Response:
        try:
            fault = Fault.model_validate_json(await request.read())
        except ValidationError as error:
            return _invalid(error)
        return answer({"number": self._faults.add(fault), **fault.model_dump(mode="json")}, 201)

    async def _disarm(self, request: web.Request) -> web.Response:
        number = request.match_info.get("number")
        if number is None:
            self._faults.clear()
        elif not self._faults.remove(int(number)):
            raise web.HTTPNotFound
        return web.Response(status=204)

    async def _text(self, request: web.Request) -> web.Response:
        try:
            texted = Texted.model_validate_json(await request.read())
        except ValidationError as error:
            return _invalid(error)
        return answer(resource.message(self._line.text(texted.phone, texted.body), self._account), 201)


def _invalid(error: ValidationError) -> web.Response:
    return answer({"errors": error.errors(include_url=False, include_context=False, include_input=False)}, 400)
