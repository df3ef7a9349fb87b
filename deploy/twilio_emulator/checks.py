"""What Twilio refuses before it takes a text, in the order it looks, each with Twilio's own error code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from deploy.twilio_emulator.account import Account

E164 = re.compile(r"\+[1-9]\d{7,14}")
LONGEST_BODY = 1600
LONGEST_URL = 4000
LONGEST_VALIDITY = 36_000
SOONEST, LATEST = timedelta(minutes=5), timedelta(days=35)

# Twilio's documented magic numbers of its test credentials: the refusal each one stands for.
MAGIC_TO = {
    "+15005550001": (21211, "Invalid 'To' Phone Number: {}"),
    "+15005550002": (21612, "The 'To' phone number {} is not currently reachable via SMS"),
    "+15005550003": (
        21408,
        "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {}",
    ),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number: {}"),
}
MAGIC_FROM = {
    "+15005550001": (21212, "Invalid From Number: {}"),
    "+15005550007": (
        21606,
        "The 'From' phone number {} is not a valid message-capable Twilio phone number for this account",
    ),
    "+15005550008": (21611, "This 'From' number has exceeded the maximum number of queued messages: {}"),
}


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """Twilio's answer to a request it does not take."""

    status: int
    code: int
    message: str


Form = Mapping[str, str]


def check_create(form: Form, account: Account, *, opted_out: frozenset[str] | set[str], now: datetime) -> None:
    """Raises `Refused` for the first thing wrong with a request to send a text."""
    _check_to(form)
    _check_sender(form, account)
    _check_body(form)
    _check_callback(form.get("StatusCallback"))
    _check_validity(form.get("ValidityPeriod"))
    _check_schedule(form, now)
    if form["To"] in opted_out:
        raise Refused(400, 21610, "Attempt to send to unsubscribed recipient")


def check_update(form: Form) -> None:
    """An update either redacts (an empty `Body`) or cancels (`Status=canceled`), nothing else and never both."""
    redacts, cancels = form.get("Body") == "", form.get("Status") == "canceled"
    if redacts == cancels or ("Body" in form and not redacts) or ("Status" in form and not cancels):
        raise Refused(400, 30400, "Parameters are not valid")


def _check_to(form: Form) -> None:
    to = form.get("To", "")
    if not to:
        raise Refused(400, 21604, "A 'To' phone number is required.")
    if not E164.fullmatch(to):
        raise Refused(400, 21211, f"Invalid 'To' Phone Number: {to}")
    if to in MAGIC_TO:
        code, message = MAGIC_TO[to]
        raise Refused(400, code, message.format(to))


def _check_sender(form: Form, account: Account) -> None:
    sender, service = form.get("From", ""), form.get("MessagingServiceSid", "")
    if not sender and not service:
        raise Refused(400, 21603, "A 'From' phone number is required.")
    if service and service != account.service:
        raise Refused(404, 20404, f"The requested resource /Services/{service} was not found")
    if not sender:
        return
    if sender in MAGIC_FROM:
        code, message = MAGIC_FROM[sender]
        raise Refused(400, code, message.format(sender))
    if not E164.fullmatch(sender):
        raise Refused(400, 21212, f"Invalid From Number: {sender}")
    if sender == form["To"]:
        raise Refused(400, 21266, "'To' and 'From' number cannot be the same")
    if sender != account.number:
        raise Refused(400, *_not_ours(sender))


def _not_ours(sender: str) -> tuple[int, str]:
    code, message = MAGIC_FROM["+15005550007"]
    return code, message.format(sender)


def _check_body(form: Form) -> None:
    body = form.get("Body", "")
    if not body.strip() and "MediaUrl" not in form and "ContentSid" not in form:
        raise Refused(400, 21602, "Message body is required.")
    if len(body) > LONGEST_BODY:
        raise Refused(400, 21617, f"The concatenated message body exceeds the {LONGEST_BODY} character limit")


def _check_callback(url: str | None) -> None:
    """Real Twilio also wants a public address; here it is the service under test on loopback."""
    if url and not (len(url) <= LONGEST_URL and _is_address(url)):
        raise Refused(400, 21609, f"The 'StatusCallback' URL {url} is not a valid URL.")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    written = url.isascii() and url.isprintable() and " " not in url
    return written and parts.scheme in {"http", "https"} and host != "" and "_" not in host and port != 0


def _check_validity(seconds: str | None) -> None:
    if seconds is not None and not (seconds.isdecimal() and 1 <= int(seconds) <= LONGEST_VALIDITY):
        raise Refused(400, 21624, f"Invalid validity period value: {seconds}")


def _check_schedule(form: Form, now: datetime) -> None:
    """Without `ScheduleType` Twilio ignores `SendAt` and sends at once."""
    if not (kind := form.get("ScheduleType")):
        return
    if kind != "fixed":
        raise Refused(400, 35126, "The ScheduleType value provided is not supported for this channel")
    if not form.get("MessagingServiceSid"):
        raise Refused(400, 35118, "MessagingServiceSid is required to schedule a message")
    if not form.get("SendAt"):
        raise Refused(400, 35111, "SendAt timestamp is missing")
    at = instant(form["SendAt"])
    if at is None or not SOONEST <= at - now <= LATEST:
        raise Refused(400, 35115, "SendAt must be more than 300 seconds and at most 35 days in the future")


def instant(text: str) -> datetime | None:
    """An ISO 8601 instant with an offset, or None."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
