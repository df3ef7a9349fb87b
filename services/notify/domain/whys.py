"""Why a text did not arrive, in words for the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    "credentials": "The provider did not accept the account's credentials.",
    "no_such_account": "The provider does not know the account.",
    "bad_number": "This is not a number that can be texted.",
    "region_not_enabled": "The account may not text to this country.",
    "sender_not_usable": "The sender may not text to this number.",
    "opted_out": "This number has opted out of texts.",
    "queue_full": "Too much was waiting at the provider.",
    "no_route": "The provider found no way to this number.",
    "not_mobile": "This number is not a mobile phone.",
    "too_long": "The text was too long.",
    "queue_overflow": "Too much was waiting at the provider.",
    "account_suspended": "The provider has suspended the account.",
    "unreachable": "The phone was off or out of reach.",
    "blocked": "The carrier blocked the text.",
    "unknown_number": "Nobody has this number any more.",
    "landline": "This number is a landline.",
    "filtered": "The carrier took the text for spam.",
    "unknown_error": "The carrier did not say why.",
    "sender_not_registered": "The sender is not registered with the carriers.",
    "expired": "It did not reach the phone in the time in which it was of use.",
    "provider_quiet_hours": "The provider sends nothing at this hour.",
    "provider_compliance": "A rule of the provider forbade it.",
    "unlisted_error": "The provider refused it with a code that is not known here.",
    "unresolved": "Nobody can tell whether it arrived, and it was tried often enough.",
    "not_decided": "It could not be written, and was of no use any more.",
    "capped": "The client would have had more texts than the practice wants in a day or a week.",
    "merged": "Another visit of the client on that day has this text.",
    "visit_ahead": "The client comes again already.",
    "visit_unknown": "Its visit or its practice is not known.",
}


def in_words(why: str | None) -> str:
    """`why` as a text has it, with the provider's code behind a colon where there was one."""
    slug, _, code = (why or "").partition(":")
    words = WORDS.get(slug, "It did not arrive.")
    return f"{words} (code {code})" if code else words
