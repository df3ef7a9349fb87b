"""What clients text back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.consent import Entry, Word, stopped
from services.notify.domain.reply import ANSWERS, READ, Meaning, answer, classify

AT = datetime(2027, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        ("C", Meaning.CONFIRM),
        (" c. ", Meaning.CONFIRM),
        ("1", Meaning.CONFIRM),
        ("Ok!", Meaning.CONFIRM),
        ("Yes", Meaning.CONFIRM),
        ("R", Meaning.RESCHEDULE),
        ("2", Meaning.RESCHEDULE),
        ("reschedule", Meaning.RESCHEDULE),
        ("HELP", Meaning.HELP),
        ("info", Meaning.HELP),
        ("START", Meaning.START),
        ("unstop", Meaning.START),
        ("S T O P", Meaning.STOP),
        ("un subscribe", Meaning.STOP),
        *((word, Meaning.STOP) for word in ("STOP", "stopall", "UNSUBSCRIBE", "Cancel", "end", "quit", "revoke")),
        ("opt out", Meaning.STOP),
        ("Stop.", Meaning.STOP),
        ("please stop texting me", Meaning.STOP),
        ("Don\u2019t text me again", Meaning.STOP),
        ("take me off your list", Meaning.STOP),
        ("no more messages", Meaning.STOP),
        ("stop texts", Meaning.STOP),
        ("stop your messages", Meaning.STOP),
        ("I want to stop receiving these", Meaning.STOP),
        ("quit texting me", Meaning.STOP),
        ("", Meaning.UNCLEAR),
        ("is there a bus stop near you?", Meaning.UNCLEAR),
        ("running 10 min late", Meaning.UNCLEAR),
        ("I quit my job and can come earlier", Meaning.UNCLEAR),
        ("how do I stop getting lost on the way?", Meaning.UNCLEAR),
        ("can I cancel my appointment", Meaning.UNCLEAR),
    ],
)
def test_a_text_is_understood(body: str, meaning: Meaning) -> None:
    assert classify(body, None, has_stopped=False).meaning is meaning


def test_the_providers_own_verdict_wins() -> None:
    assert classify("arret", "STOP", has_stopped=False).meaning is Meaning.STOP


# Twilio, "Support for opt-out keywords"; START also by YES, which here means yes to a reminder.
KEYWORDS = {
    Meaning.STOP: ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"),
    Meaning.START: ("START", "UNSTOP"),
    Meaning.HELP: ("HELP", "INFO"),
}
MEANT = [(word, meaning) for meaning, words in KEYWORDS.items() for word in words]
AROUND = st.text(" \t\n\r\u00a0\u202f.,;:!?\u00a1\u00bf'\"\u2019\u201c\u201d()[]*_~-\u2013\u2014#\u2026", max_size=4)


@given(st.sampled_from(MEANT), st.lists(st.booleans(), min_size=11, max_size=11), AROUND, AROUND, st.booleans())
def test_a_keyword_is_understood_in_any_letters_and_with_anything_around_it(
    meant: tuple[str, Meaning], small: list[bool], before: str, after: str, wide: bool
) -> None:
    word, meaning = meant
    spelt = "".join(letter.lower() if low else letter for letter, low in zip(word, small, strict=False))
    if wide:  # as a Japanese keyboard writes it
        spelt = "".join(chr(ord(letter) + 0xFEE0) for letter in spelt)

    heard = classify(f"{before}{spelt}{after}", None, has_stopped=False)

    assert (heard.meaning, heard.by_keyword) == (meaning, True)


@given(st.sampled_from(MEANT), st.sampled_from(["the", "bus", "zebra", "at 3"]), st.booleans())
def test_a_keyword_among_other_words_is_not_the_provider_s(meant: tuple[str, Meaning], other: str, first: bool) -> None:
    body = f"{other} {meant[0]}" if first else f"{meant[0]} {other}"

    assert not classify(body, None, has_stopped=False).by_keyword


@pytest.mark.parametrize("told", ["STOP", "stop", "Stop"])
def test_the_provider_s_verdict_says_nothing_against_a_worry(told: str) -> None:
    heard = classify("stop, I cannot breathe", told, has_stopped=False)

    assert (heard.meaning, heard.by_keyword, heard.worried, heard.in_words) == (Meaning.STOP, True, True, True)


def test_who_wants_no_more_texts_and_is_not_well_is_read_by_a_person() -> None:
    heard = classify("stop texting me, I want to die", None, has_stopped=False)

    assert (heard.meaning, heard.worried, heard.in_words) == (Meaning.STOP, True, True)


def test_no_text_is_read_further_than_any_provider_carries() -> None:
    assert classify("bus " * (READ // 4) + ", stop texting me", None, has_stopped=False).meaning is Meaning.UNCLEAR
    assert classify("bus " * (READ // 4 - 10) + ", stop texting me", None, has_stopped=False).meaning is Meaning.STOP


def test_yes_from_a_client_who_had_stopped_starts_again() -> None:
    assert classify("YES", None, has_stopped=True).meaning is Meaning.START


@pytest.mark.parametrize(
    ("body", "opt_out_type", "provider_answers", "step"),
    [
        ("STOP", None, True, None),
        ("STOP", None, False, "stopped"),
        ("STOP", "STOP", False, None),
        ("please stop texting me", None, True, "stopped"),
        ("opt out", None, True, "stopped"),
        ("Opt-out", None, True, "stopped"),
        ("optout", None, True, None),
        ("HELP", "HELP", False, None),
        ("HELP", None, True, None),
        ("HELP", None, False, "help"),
        ("START", "START", False, None),
        ("START", None, False, None),
        ("C", None, True, None),
        ("R", None, True, "reschedule"),
        ("when is the bus?", None, True, "auto"),
    ],
)
def test_what_the_provider_answers_is_not_answered_twice(
    body: str, opt_out_type: str | None, provider_answers: bool, step: str | None
) -> None:
    heard = classify(body, opt_out_type, has_stopped=False)

    answered = answer(heard, opt_out_type, provider_answers=provider_answers)

    assert (answered.step if answered else None) == step


def test_only_the_farewell_may_pass_an_opt_out() -> None:
    assert [step.step for step in ANSWERS.values() if step.to_stopped] == ["stopped"]


def entry(word: Word, days: int) -> Entry:
    return Entry(key=f"{word}:{days}", word=word, at=AT + timedelta(days=days), source="test")


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        ([], False),
        ([entry(Word.CONSENTED, 1)], False),
        ([entry(Word.STOPPED, 2)], True),
        ([entry(Word.STOPPED, 2), entry(Word.CONSENTED, 3)], True),
        ([entry(Word.STOPPED, 2), entry(Word.STARTED, 3)], False),
        ([entry(Word.STARTED, 3), entry(Word.STOPPED, 2)], False),
        ([entry(Word.STARTED, 3), entry(Word.STOPPED, 4)], True),
    ],
)
def test_the_last_word_about_stopping_counts_and_a_form_does_not_lift_it(ledger: list[Entry], expected: bool) -> None:
    assert stopped(ledger) is expected
