"""The words with which a phone opts out, in again, or asks for help, and what Twilio answers by itself."""

from __future__ import annotations

from enum import StrEnum


class Wish(StrEnum):
    """Named as in the `OptOutType` of Advanced Opt-Out."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


WORDS = {
    Wish.STOP: {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"},
    Wish.START: {"START", "UNSTOP", "YES"},
    Wish.HELP: {"HELP", "INFO"},
}

ANSWERS = {
    Wish.STOP: "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe.",
    Wish.START: "You have successfully been re-subscribed to messages from this number. "
    "Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    Wish.HELP: "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


def wish(body: str) -> Wish | None:
    """Only where the keyword is the whole text, in any case: "Stop please" is not one."""
    word = body.strip().upper()
    return next((wish for wish, words in WORDS.items() if word in words), None)
