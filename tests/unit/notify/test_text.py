"""Segments as the provider bills them, plain characters, placeholders, and no word about health."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from babel import Locale, localedata
from hypothesis import given
from hypothesis import strategies as st

from services.notify import library
from services.notify.domain.notice import Notice
from services.notify.domain.text import (
    BASIC,
    EXTENDED,
    ForbiddenWord,
    Size,
    UnknownPlaceholder,
    fill,
    placeholders,
    plain,
    refuse_health,
    size,
)
from services.notify.domain.visit import Seat, Visit
from tests.support.notify import code, offer, practice, visit

TEXTS = library.load()
NAMES = sorted(TEXTS.texts["en"])
LINK = "https://still.example/n/Ab3dEf9h"
DIGITS = "1234567890" * 40
LATE = datetime(2027, 9, 29, 22, 30, tzinfo=UTC)


def about(name: str) -> Visit | Notice:
    """What a text of this name is about, at an hour that takes many words."""
    if name in ("review_due", "call_asked", "undelivered"):
        return replace(offer().notice, zone="UTC", starts_at=LATE, expires_at=LATE, code="482913")
    if name in ("offer", "offer_link"):
        return replace(offer().notice, zone="UTC", starts_at=LATE, expires_at=LATE)
    if name == "code":
        return replace(code().notice, zone="UTC", expires_at=LATE)
    return visit(starts_at=LATE, zone="UTC", seat=Seat("c" * 26, 0, 10) if name == "booked_course" else None)


# The published vectors of Twilio's message segment calculator (2023), retold as sizes.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DIGITS[:160], Size("GSM-7", 160, 1)),
        (DIGITS[:161], Size("GSM-7", 161, 2)),
        (DIGITS[:307], Size("GSM-7", 307, 3)),
        *((char + DIGITS[:158], Size("GSM-7", 160, 1)) for char in "|^€{}[]~\\"),
        *((char + DIGITS[:159], Size("GSM-7", 161, 2)) for char in "|^€{}[]~\\"),
        ("\U0001f61c" + DIGITS[:68], Size("UCS-2", 70, 1)),
        ("\U0001f61c" + DIGITS[:69], Size("UCS-2", 71, 2)),
        ("\U0001f61c" + DIGITS[:133], Size("UCS-2", 135, 3)),
        ("\U0001f1ee\U0001f1f9" + DIGITS[:66], Size("UCS-2", 70, 1)),
        ("\U0001f1ee\U0001f1f9" + DIGITS[:67], Size("UCS-2", 71, 2)),
        *((char * 70, Size("UCS-2", 70, 1)) for char in "ÁÚúçíÍóÓ"),
        *((char * 71, Size("UCS-2", 71, 2)) for char in "ÁÚúçíÍóÓ"),
        ("\U0001f600" + "]" * 68, Size("UCS-2", 70, 1)),
        ("\U0001f600" + "]" * 69, Size("UCS-2", 71, 2)),
    ],
)
def test_segments_are_counted_as_twilio_counts_them(text: str, expected: Size) -> None:
    assert size(text) == expected


def test_an_escaped_character_is_not_split_over_two_segments() -> None:
    """152 septets leave one free in the first segment; the euro needs two."""
    assert size("a" * 152 + "€" + "a" * 151).segments == 2
    assert size("a" * 152 + "€" + "a" * 152).segments == 3


@given(st.text(sorted(BASIC | EXTENDED), min_size=1, max_size=400))
def test_more_text_never_takes_fewer_segments(text: str) -> None:
    assert size(text[:-1]).segments <= size(text).segments


def test_typographic_characters_become_plain_ones() -> None:
    assert (
        plain("2:30\u202fPM\u00a0\u201cyes\u201d \u2013 it\u2019s\u2026\r\nnow\u200b")
        == '2:30 PM "yes" - it\'s...\nnow'
    )


def test_a_decomposed_letter_is_composed() -> None:
    assert plain("Cafe\u0301") == "Café"
    assert size(plain("Cafe\u0301")).encoding == "GSM-7"


@pytest.mark.parametrize("template", ["{name}", "{}", "{link", "link}", "{link.__class__}", "{date!r}"])
def test_only_listed_placeholders_are_allowed(template: str) -> None:
    with pytest.raises(UnknownPlaceholder):
        placeholders(template)


def test_a_value_is_never_read_as_a_placeholder() -> None:
    assert fill("{practice}: {date}", {"practice": "{date}", "date": "Wed"}) == "{date}: Wed"


@pytest.mark.parametrize(
    "text",
    [
        "your treatment",
        "Craniosacral",
        "declined",
        "was rejected",
        "your pain",
        "health",
        "massage",
        "Therapist",
        "screening",
    ],
)
def test_words_about_health_are_refused(text: str) -> None:
    with pytest.raises(ForbiddenWord):
        refuse_health(f"about {text} tomorrow")


@pytest.mark.parametrize("name", NAMES)
def test_every_template_is_one_segment_in_every_variety_of_english(name: str) -> None:
    for when in _longest_in_english():
        filled = fill(TEXTS.texts["en"][name], library.LONGEST | when)
        assert size(filled) == Size("GSM-7", len(filled), 1), filled


def _longest_in_english() -> list[dict[str, str]]:
    hours = [datetime(2027, 1, 1, 0, 30, tzinfo=UTC) + timedelta(hours=25 * n) for n in range(0, 366, 3)]
    spoken = [Locale.parse(name) for name in ("en_US", "en_GB", "en_CA", "en_AU", "en_IE", "en_NZ", "en_ZA", "en_IN")]
    assert all(localedata.exists(str(locale)) for locale in spoken)
    told = [[library._when(at, on) | {"until": library._until(at, on)} for at in hours] for on in spoken]
    return [{name: max((when[name] for when in t), key=len) for name in ("date", "time", "until")} for t in told]


EVERY_LOCALE = [name.replace("_", "-") for name in localedata.locale_identifiers()]


@pytest.mark.parametrize("name", NAMES)
def test_every_template_is_one_segment_whatever_locale_the_client_has(name: str) -> None:
    late = about(name)
    texts = {locale: TEXTS.render(name, replace(late, locale=locale), practice(), LINK) for locale in EVERY_LOCALE}

    assert {locale: size(text) for locale, text in texts.items() if size(text).segments > 1} == {}


def test_a_date_is_written_in_the_language_of_the_words_around_it() -> None:
    assert "booked for Wed, Jun 16, 10:00 AM." in TEXTS.render(
        "booked", replace(visit(), locale="el"), practice(), LINK
    )
    assert "booked for Wed 16 Jun, 10:00." in TEXTS.render("booked", replace(visit(), locale="en-GB"), practice(), LINK)


def test_aftercare_names_no_time_of_day_because_it_may_come_the_next_morning() -> None:
    assert not {"morning", "afternoon", "evening", "tonight", "today"} & set(TEXTS.texts["en"]["aftercare"].split())


@pytest.mark.parametrize("name", NAMES)
def test_no_rendered_text_holds_a_word_about_health(name: str) -> None:
    refuse_health(TEXTS.render(name, about(name), practice(), LINK))


@pytest.mark.parametrize("name", NAMES)
def test_every_rendered_text_carries_its_own_link_or_code_and_the_senders_name(name: str) -> None:
    text = TEXTS.render(name, about(name), practice(), LINK)

    assert (LINK in text, "482913" in text) == (name not in library.UNLIKE_BY, name in library.UNLIKE_BY)
    assert text.startswith("Still Waters: ")


def test_an_offer_tells_the_time_and_until_when_and_who_has_it() -> None:
    assert TEXTS.render("offer", offer().notice, practice(), LINK) == (
        "Still Waters: Wed, Jun 16, 10:00 AM has come free. First come, first served, until Wed 4:00 PM: "
        f"{LINK} Reply STOP to opt out."
    )


def test_a_code_tells_nothing_else_than_how_long_it_is_good() -> None:
    assert TEXTS.render("code", code().notice, practice(), LINK) == (
        "Still Waters: your code is 482913. It is good until Wed 2:10 PM. If you did not ask for it, ignore this text."
    )


def test_a_course_is_confirmed_as_a_whole_and_one_without_an_end_counts_nothing() -> None:
    lead = visit(seat=Seat("c" * 26, 0, 6))

    assert "your 6 visits are booked, first Wed, Jun 16, 10:00 AM." in TEXTS.render(
        "booked_course", lead, practice(), LINK
    )
    assert "your visits are booked, first Wed, Jun 16, 10:00 AM." in TEXTS.render(
        "booked_upkeep", replace(lead, seat=Seat("c" * 26, 0)), practice(), LINK
    )


def test_the_time_is_told_as_the_clock_at_the_place_shows_it() -> None:
    text = TEXTS.render("booked", visit(client_zone="Asia/Tokyo"), practice(), LINK)

    assert text == (
        f"Still Waters: you are booked for Wed, Jun 16, 10:00 AM. Details: {LINK} "
        "Reply R to reschedule or STOP to opt out."
    )


def test_a_language_without_templates_falls_back_to_english() -> None:
    assert TEXTS.render("moved", visit(), practice(locale="xx-nowhere"), LINK).startswith(
        "Still Waters: your visit moved"
    )


def test_a_name_that_would_cost_a_third_segment_is_refused() -> None:
    with pytest.raises(library.TooLong):
        TEXTS.render("booked", visit(), practice(sms_name="\U0001f33f" * 60), LINK)


@pytest.mark.parametrize(
    ("wording", "refused"),
    [
        ("{practice}: see you", library.BadTemplate),
        ("{practice}: " + "x" * 150 + " {link}", library.BadTemplate),
        ("{practice}: about your treatment {link}", ForbiddenWord),
        ("{client}: hello {link}", UnknownPlaceholder),
    ],
)
def test_a_template_that_may_not_be_sent_is_refused_at_start(wording: str, refused: type[Exception]) -> None:
    with pytest.raises(refused):
        library.check("mine", wording, "en")


@pytest.mark.parametrize(
    ("name", "wording"),
    [
        ("code", "{practice}: your code waits at {phone}"),
        ("code", "{practice}: {code}, or open {link}"),
        ("code", "{practice}: {code} for {date}"),
        ("booked", "{practice}: {code} {link}"),
        ("booked", "{practice}: until {until} {link}"),
        ("offer", "{practice}: until {until}"),
    ],
)
def test_a_code_stands_alone_and_every_other_text_needs_its_link(name: str, wording: str) -> None:
    with pytest.raises(library.BadTemplate):
        library.check(name, wording, "en")
