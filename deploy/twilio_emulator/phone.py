"""The page that looks like a phone: shows the texts of each number and answers them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy.twilio_emulator.account import Account
from deploy.twilio_emulator.checks import E164, LONGEST_BODY
from deploy.twilio_emulator.line import Line
from deploy.twilio_emulator.message import Direction, Message, Status
from deploy.twilio_emulator.messages import Messages
from deploy.twilio_emulator.resource import ERRORS

PAGE = Path(__file__).parent / "page"
QUICK = ("C", "R", "STOP", "START", "HELP")
SHOWN = 200
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page of another origin in the same browser may not text or arm faults."""
    origin = request.headers.get("Origin")
    if origin and request.method not in {"GET", "HEAD"} and urlsplit(origin).netloc != request.host:
        raise web.HTTPForbidden(text="Another page asked for this.")
    return await handler(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    phone: str
    last: Message


class Phone:
    def __init__(self, account: Account, messages: Messages, line: Line) -> None:
        self._account, self._messages, self._line = account, messages, line
        pages = Environment(loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined)
        pages.filters |= {"number": spoken, "mark": mark, "href": href}
        self._page = pages.get_template("phone.html")

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/", self._show), web.post("/texts", self._text), web.static("/page", PAGE)]

    async def _show(self, request: web.Request) -> web.Response:
        phones = self._messages.phones()[:SHOWN]
        asked = request.query.get("with", "").replace(" ", "+", 1)
        phone = asked if E164.fullmatch(asked) else next(iter(phones), None)
        texts = self._messages.with_phone(phone)[:SHOWN] if phone else []
        html = self._page.render(
            account=self._account,
            conversations=[Conversation(phone=each, last=self._messages.latest(each)) for each in phones],
            phone=phone,
            chosen=phone == asked,
            texts=texts[::-1],
            opted_out=phone in self._messages.opted_out,
            quick=QUICK,
            longest=LONGEST_BODY,
            version=self._messages.version,
        )
        return web.Response(text=html, content_type="text/html", headers=HEADERS)

    async def _text(self, request: web.Request) -> web.Response:
        form = await request.post()
        phone, body = str(form.get("from", "")), str(form.get("text", ""))
        if not E164.fullmatch(phone) or not 1 <= len(body.strip()) <= LONGEST_BODY:
            raise web.HTTPBadRequest(text="A text needs the number of a phone and one to 1600 characters.")
        self._line.text(phone, body)
        return web.Response(status=303, headers={"Location": f"{href(phone)}#end"})


def href(phone: str) -> str:
    return f"./?{urlencode({'with': phone})}"


def spoken(number: str) -> str:
    """+1 555 010 0042 for North America, anything else as it is."""
    american = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return f"+1 {' '.join(american.groups())}" if american else number


def mark(text: Message) -> str:
    """What became of a text, in words."""
    if text.direction is Direction.INBOUND:
        return "Sent"
    if text.status in {Status.UNDELIVERED, Status.FAILED}:
        why = ERRORS.get(text.error_code or 0, "")
        return f"{text.status.capitalize()} · {text.error_code} {why}".strip()
    return text.status.capitalize()
