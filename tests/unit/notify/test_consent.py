"""What a ledger of consent allows, whatever was said in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify import documents
from services.notify.domain.consent import Entry, Purpose, Word, agrees, stopped

AT = datetime(2027, 6, 1, tzinfo=UTC)


def entry(word: Word, day: int, purpose: Purpose = Purpose.CARE) -> Entry:
    return Entry(key=f"{word}:{purpose}:{day}", word=word, at=AT + timedelta(days=day), source="test", purpose=purpose)


ENTRIES = st.builds(entry, st.sampled_from(Word), st.integers(0, 30), st.sampled_from(Purpose))
LEDGERS = st.lists(ENTRIES, max_size=12, unique_by=lambda one: one.at)


@given(LEDGERS, st.randoms())
def test_the_order_of_hearing_changes_nothing(ledger: list[Entry], order: object) -> None:
    shuffled = sorted(ledger, key=lambda one: hash((one.key, str(order))))
    assert stopped(shuffled) is stopped(ledger)
    for purpose in Purpose:
        assert agrees(shuffled, purpose) is agrees(ledger, purpose)


@given(LEDGERS)
def test_a_stop_ends_every_purpose_and_a_start_brings_back_texts_about_visits_only(ledger: list[Entry]) -> None:
    halted = [*ledger, entry(Word.STOPPED, 40)]
    assert not any(agrees(halted, purpose) for purpose in Purpose)

    again = [*halted, entry(Word.STARTED, 41)]
    assert not agrees(again, Purpose.OFFERS)
    words = [one for one in ledger if one.purpose is Purpose.CARE and one.word in (Word.CONSENTED, Word.WITHHELD)]
    newest = max(words, key=lambda one: one.at, default=None)
    assert agrees(again, Purpose.CARE) is (newest is not None and newest.word is Word.CONSENTED)
    assert agrees([*again, entry(Word.CONSENTED, 42, Purpose.OFFERS)], Purpose.OFFERS)


@given(LEDGERS, st.integers(31, 39))
def test_a_word_on_one_purpose_says_nothing_of_the_other(ledger: list[Entry], day: int) -> None:
    for one, other in ((Purpose.CARE, Purpose.OFFERS), (Purpose.OFFERS, Purpose.CARE)):
        for word in (Word.CONSENTED, Word.WITHHELD):
            assert agrees([*ledger, entry(word, day, one)], other) is agrees(ledger, other)


@pytest.mark.parametrize("word", [Word.CONSENTED, Word.STARTED])
def test_of_two_words_in_the_same_instant_the_refusal_counts(word: Word) -> None:
    against = entry({Word.CONSENTED: Word.WITHHELD, Word.STARTED: Word.STOPPED}[word], 3)
    for ledger in ([entry(word, 3), against], [against, entry(word, 3)]):
        assert not agrees([entry(Word.CONSENTED, 1), *ledger], Purpose.CARE)


def test_offers_that_are_agreed_to_in_the_instant_of_a_stop_are_not() -> None:
    ledger = [entry(Word.STOPPED, 3), entry(Word.CONSENTED, 3, Purpose.OFFERS), entry(Word.STARTED, 4)]

    assert not agrees(ledger, Purpose.OFFERS)


def test_what_was_entered_before_there_were_purposes_is_about_care() -> None:
    old = {"key": "k", "word": "consented", "at": AT, "source": "booking"}
    assert documents.to_entry(old).purpose is Purpose.CARE
    offers = entry(Word.CONSENTED, 1, Purpose.OFFERS)
    assert documents.to_entry(documents.of_entry(offers)) == offers
