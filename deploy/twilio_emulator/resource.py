"""Twilio's picture of a text: the Message resource and its pages, in the shape of the 2010 API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlencode

from deploy.twilio_emulator.account import API_VERSION, Account
from deploy.twilio_emulator.message import Direction, Message, Status
from deploy.twilio_emulator.text import segments

Json = dict[str, object]
UNSENT = frozenset({Status.SCHEDULED, Status.ACCEPTED})


def message(text: Message, account: Account) -> Json:
    """A text of a Messaging Service has no sender, and so no segments, before one was picked."""
    uri = f"{account.base}/Messages/{text.sid}"
    return {
        "account_sid": account.sid,
        "api_version": API_VERSION,
        "body": text.body,
        "date_created": rfc_2822(text.created_at),
        "date_sent": rfc_2822(text.sent_at),
        "date_updated": rfc_2822(text.updated_at),
        "direction": str(text.direction),
        "error_code": text.error_code,
        "error_message": ERRORS.get(text.error_code) if text.error_code else None,
        "from": text.sender,
        "messaging_service_sid": text.service,
        "num_media": str(text.media),
        "num_segments": "0" if text.status in UNSENT else str(segments(text.body)),
        "price": None,
        "price_unit": None if text.direction is Direction.INBOUND else "USD",
        "sid": text.sid,
        "status": str(text.status),
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": text.to,
        "uri": f"{uri}.json",
    }


def page(
    texts: Sequence[Message], account: Account, *, query: dict[str, str], number: int, size: int, more: bool
) -> Json:
    """One page of a list; `query` holds the filters, which every link to another page carries on."""
    first, last = (texts[0].sid, texts[-1].sid) if texts else ("", "")

    def link(page_number: int, token: str = "") -> str:
        asked = {**query, "PageSize": str(size), "Page": str(page_number)} | ({"PageToken": token} if token else {})
        return f"{account.base}/Messages.json?{urlencode(asked)}"

    start = number * size
    return {
        "end": start + max(len(texts) - 1, 0),
        "first_page_uri": link(0),
        "next_page_uri": link(number + 1, f"PA{last}") if more else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": link(number - 1, f"PB{first}") if number > 0 and texts else None,
        "messages": [message(text, account) for text in texts],
        "start": start,
        "uri": link(number),
    }


def account(of: Account) -> Json:
    return {"sid": of.sid, "friendly_name": "Emulator", "status": "active", "type": "Full", "uri": f"{of.base}.json"}


def numbers(of: Account, wanted: str) -> Json:
    """The one number of the account, if it is asked for; `sms_url` is where texts to it are handed over."""
    owned = {
        "phone_number": of.number,
        "sms_url": of.inbound_url or "",
        "sms_method": "POST",
        "capabilities": {"sms": True, "mms": True, "voice": False},
    }
    return {"incoming_phone_numbers": [owned] if wanted == of.number else [], "page": 0, "page_size": 50}


def rfc_2822(at: datetime | None) -> str | None:
    return format_datetime(at.replace(microsecond=0)) if at else None


ERRORS = {
    30001: "Queue overflow",
    30002: "Account suspended",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30034: "US A2P 10DLC - Message from an Unregistered Number",
    30036: "Validity Period Expired",
}
