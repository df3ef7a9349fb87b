"""Does Twilio know us, has it our number, and would its webhooks get in?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # no types
from yarl import URL

from deploy.stillpoint.checks.finding import Finding, bad, good, look
from deploy.stillpoint.checks.origin import AT_HOME, PATIENCE, skew
from deploy.stillpoint.checks.settings import Known
from deploy.stillpoint.settings import inside
from shared.clock import Clock

LIVE: Final = "https://api.twilio.com"
CREDENTIALS: Final = "put the account's SID into .env and its auth token into secrets/twilio_auth_token"
INBOUND: Final = "/notify/v1/twilio/inbound"


async def twilio(known: Known, now: Clock) -> AsyncIterator[Finding]:
    """Nothing is sent: the account and the number are read, and the webhook is posted to without a text in it."""
    sid, token = known.notify_twilio_account_sid, known.notify_twilio_auth_token
    if known.notify_twilio_url is None or sid is None or token is None:
        yield bad("twilio", "STILLPOINT_NOTIFY_TWILIO_URL, _ACCOUNT_SID or _AUTH_TOKEN is missing", CREDENTIALS)
        return
    if known.notify_twilio_url.rstrip("/") != LIVE:
        to_do = f"STILLPOINT_NOTIFY_TWILIO_URL={LIVE} texts for real"
        yield look("twilio", "texts go to an emulator and reach nobody", to_do)
    account = f"{known.notify_twilio_url.rstrip('/')}/2010-04-01/Accounts/{sid}"
    auth = {"Authorization": aiohttp.encode_basic_auth(sid, token.get_secret_value())}
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        try:
            async with session.get(f"{account}.json", headers=auth) as answer:
                yield _account(answer.status, await answer.json(content_type=None))
                yield await skew("Twilio", answer.headers.get("Date", ""), now)
            if known.notify_twilio_number:
                query = {"PhoneNumber": known.notify_twilio_number}
                async with session.get(f"{account}/IncomingPhoneNumbers.json", params=query, headers=auth) as answer:
                    yield _number(known, await answer.json(content_type=None))
            elif not known.notify_twilio_messaging_service_sid:
                yield bad("twilio", "there is no number to text from", "set STILLPOINT_NOTIFY_TWILIO_NUMBER in .env")
        except (aiohttp.ClientError, TimeoutError, ValueError):
            yield bad("twilio", f"{known.notify_twilio_url} does not answer", "let this machine out to the internet")
        if known.public_origin:
            at_home = URL(known.public_origin).host in AT_HOME
            place = (inside(known.services_url, "notify") if at_home else None) or known.public_origin
            yield await _webhook(session, known.public_origin, place, token.get_secret_value())


def _account(status: int, told: dict[str, Any]) -> Finding:
    if status in {401, 403, 404}:
        return bad("twilio", f"Twilio does not take our credentials ({told.get('code', status)})", CREDENTIALS)
    if told.get("status") != "active":
        return bad("twilio", f"the account is {told.get('status', 'unknown')}", "look into Twilio's console")
    return good("twilio", "Twilio knows the account")


def _number(known: Known, told: dict[str, Any]) -> Finding:
    numbers = told.get("incoming_phone_numbers") or []
    if not numbers:
        number = known.notify_twilio_number
        return bad("twilio", f"{number} is not the account's", "set STILLPOINT_NOTIFY_TWILIO_NUMBER to one that is")
    wanted, set_to = f"{known.public_origin}{INBOUND}", numbers[0].get("sms_url")
    if set_to != wanted:
        to_do = f"set the number's incoming-message webhook to {wanted} in Twilio's console"
        return bad("twilio", f"texts from clients go to {set_to or 'nobody'}", to_do)
    return good("twilio", "the number is ours, and texts from clients come to us")


async def _webhook(session: aiohttp.ClientSession, origin: str, place: str, token: str) -> Finding:
    """Signed rightly and without a text: notify lets it in and then misses the text."""
    address = f"{place}{INBOUND}"
    headers = {"X-Twilio-Signature": RequestValidator(token).compute_signature(f"{origin}{INBOUND}", {})}
    try:
        async with session.post(address, data=aiohttp.FormData(()), headers=headers) as answer:
            status = answer.status
    except (aiohttp.ClientError, TimeoutError):
        return bad("twilio", f"{address} cannot be reached from here", "look at the findings about addresses")
    if status == 403:
        to_do = "STILLPOINT_PUBLIC_ORIGIN and the auth token must be those that Twilio uses; restart notify"
        return bad("twilio", "notify refuses what Twilio would sign", to_do)
    if status != 422:
        return bad("twilio", f"{address} answers {status} to a webhook", "docker compose logs gateway notify")
    return good("twilio", "webhooks get in; only from outside can it be seen whether they get as far as this machine")
