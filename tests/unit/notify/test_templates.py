"""The texts that come with a release: short, neutral, unlike each other, in every language and country."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from babel import Locale, localedata

from services.booking.domain.practice_check import LONGEST_SMS_NAME
from services.notify import library, telling
from services.notify.domain import wording
from services.notify.domain.notice import Notice
from services.notify.domain.text import ForbiddenWord, Size, UnknownPlaceholder, fill, refuse_health, size
from services.notify.domain.visit import Seat, Visit
from services.notify.settings import Settings
from shared import lexicon
from tests.support.notify import code, offer, practice, visit

TEXTS = library.load()
NAMES = sorted(TEXTS.texts["en"])
EVERY = [(language, name) for language in TEXTS.texts for name in NAMES]
LINK = "https://still.example/n/Ab3dEf9h"
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


def test_there_are_the_same_texts_in_every_language_that_has_a_lexicon() -> None:
    assert {"en", "es"} <= set(TEXTS.texts) == set(lexicon.LANGUAGES)
    assert [language for language, texts in TEXTS.texts.items() if sorted(texts) != NAMES] == []


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_every_template_is_one_segment_of_plain_letters_at_its_longest(language: str, name: str) -> None:
    found = library.worst(TEXTS.texts[language][name], language)

    assert found == Size("GSM-7", found.units, 1)


@pytest.mark.parametrize("language", list(TEXTS.texts))
@pytest.mark.parametrize("year", [2026, 2028])
def test_no_date_or_time_is_longer_than_the_longest(language: str, year: int) -> None:
    """Against each day of two years and each minute of a day, in every country that has the language."""
    longest = telling.longest(language)
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(365)]
    minutes = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(minutes=7 * n) for n in range(206)]
    told = {"date": max(len(one["date"]) for one in longest), "time": max(len(one["time"]) for one in longest)}
    wide = [Locale.parse(name) for name in ("en_US", "en_GB", "en_CA", "en_AU", "es_ES", "es_MX", "es_US", "es_CO")]

    for locale in [locale for locale in wide if locale.language == language]:
        assert max(len(telling.when(at, locale)["date"]) for at in days) <= told["date"]
        assert max(len(telling.when(at, locale)["time"]) for at in minutes) <= told["time"]
        assert {len(telling.until(at, locale)) <= max(len(one["until"]) for one in longest) for at in minutes} == {True}


@pytest.mark.parametrize("language", list(TEXTS.texts))
def test_a_text_is_measured_with_the_longest_way_of_any_country_to_write_its_day_and_time(language: str) -> None:
    words = "{practice}: {date}, {time}, {until} {link}"
    ways = [size(fill(words, {**wording.LONGEST, **way})).units for way in telling.longest(language)]

    assert library.worst(words, language) == Size("GSM-7", max(ways), 1)
    assert max(ways) > min(ways)


def test_dates_in_every_country_of_a_language_are_in_plain_letters() -> None:
    told = {text for language in TEXTS.texts for one in telling.longest(language) for text in one.values()}

    assert {size(text).encoding for text in told} == {"GSM-7"}
    assert len(telling.varieties("en")) > 90
    assert len(telling.varieties("es")) > 20


def test_the_longest_name_and_number_that_booking_lets_through_are_those_that_the_texts_have_room_for() -> None:
    assert len(wording.LONGEST["practice"]) == LONGEST_SMS_NAME
    assert len(wording.LONGEST["link"]) == len("https://" + "l" * 7 + "/n/" + "0" * 8)
    assert "15 characters" in str(Settings.model_fields["notify_link_origin"].description)


# All of the languages that there are texts in, and some of those that there are none in.
LOCALES = [name.replace("_", "-") for name in localedata.locale_identifiers()]
SPOKEN = [name for n, name in enumerate(LOCALES) if name.split("-")[0] in TEXTS.texts or n % 20 == 0]


@pytest.mark.parametrize("name", NAMES)
def test_every_template_is_one_segment_whatever_locale_the_client_has(name: str) -> None:
    late = about(name)
    texts = {locale: TEXTS.render(name, replace(late, locale=locale), practice(), LINK) for locale in SPOKEN}

    assert {locale: size(text) for locale, text in texts.items() if size(text).segments > 1} == {}


def test_a_date_is_written_in_the_language_of_the_words_around_it() -> None:
    assert "booked for Wed, Jun 16, 10:00 AM." in TEXTS.render(
        "booked", replace(visit(), locale="el"), practice(), LINK
    )
    assert "booked for Wed 16 Jun, 10:00." in TEXTS.render("booked", replace(visit(), locale="en-GB"), practice(), LINK)


def test_aftercare_names_no_time_of_day_because_it_may_come_the_next_morning() -> None:
    assert not {"morning", "afternoon", "evening", "tonight", "today"} & set(TEXTS.texts["en"]["aftercare"].split())


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_no_rendered_text_holds_a_word_about_health(language: str, name: str) -> None:
    refuse_health(TEXTS.render(name, replace(about(name), locale=language), practice(), LINK))


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_every_rendered_text_carries_its_own_link_or_code_and_the_senders_name(language: str, name: str) -> None:
    text = TEXTS.render(name, replace(about(name), locale=language), practice(), LINK)

    assert (LINK in text, "482913" in text) == (name not in wording.UNLIKE_BY, name in wording.UNLIKE_BY)
    assert text.startswith("Still Waters: ")


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_a_text_about_one_visit_names_its_day_and_time_for_there_may_be_two_on_a_day(language: str, name: str) -> None:
    words = TEXTS.texts[language][name]

    assert "{date}" not in words or "{time}" in words


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_no_text_takes_its_reader_for_who_comes_because_a_guardian_reads_it(language: str, name: str) -> None:
    said = TEXTS.texts[language][name].casefold()

    assert [words for words in ("you are", "are you", "está hoy", "esta hoy") if words in said] == []


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
        f"Still Waters: your visit is booked for Wed, Jun 16, 10:00 AM. Details: {LINK} "
        "Reply R to reschedule or STOP to opt out."
    )


def test_a_language_without_templates_falls_back_to_english() -> None:
    assert TEXTS.render("moved", visit(), practice(locale="xx-nowhere"), LINK).startswith(
        "Still Waters: your visit moved"
    )


def test_a_name_that_would_cost_a_third_segment_is_refused() -> None:
    with pytest.raises(wording.TooLong):
        TEXTS.render("booked", visit(), practice(sms_name="\U0001f33f" * 60), LINK)


def test_in_spanish_a_text_is_told_as_spain_or_mexico_write_it_in_one_segment() -> None:
    text = {tag: TEXTS.render("booked", replace(visit(), locale=tag), practice(), LINK) for tag in ("es-ES", "es-MX")}

    assert text["es-ES"] == (
        f"Still Waters: tiene cita el mié, 16 jun, 10:00. Detalles: {LINK} "
        "Responda R para cambiarla o STOP para no recibir mas."
    )
    assert "el mié 16 de jun, 10:00 am." in text["es-MX"]
    assert {size(one) for one in text.values()} == {Size("GSM-7", len(one), 1) for one in text.values()}


@pytest.mark.parametrize("locale", ["en-CA", "es-MX", "es-CO", "es-US", "en-US", "en-GB"])
def test_no_sentence_ends_in_two_dots(locale: str) -> None:
    told = [TEXTS.render(name, replace(about(name), locale=locale), practice(), LINK) for name in NAMES]

    assert [text for text in told if ".." in text] == []


def test_whoever_is_asked_how_they_are_is_told_the_emergency_number_of_the_country() -> None:
    told = TEXTS.render("check_in", visit(), replace(practice(), emergency="999"), LINK)

    assert "(call 999)" in told
    assert "(call 112)" in TEXTS.render("check_in", visit(), practice(), LINK)


@pytest.mark.parametrize(
    ("name", "words", "refused"),
    [
        ("moved", "{practice}: see you", wording.PlaceholderMissing),
        ("moved", "see you {link}", wording.PlaceholderMissing),
        ("moved", "{practice}: " + "x" * 150 + " {link}", library.BadTemplate),
        ("moved", "{practice}: about your treatment {link}", ForbiddenWord),
        ("moved", "{practice}: the{date}rapy {link}", ForbiddenWord),
        ("moved", "{practice}: su terapia {link}", ForbiddenWord),
        ("moved", "{client}: hello {link}", UnknownPlaceholder),
        ("moved", "{practice}: Привет {link}", wording.NotInAlphabet),
        ("moved", "{practice}: reply CANCEL to leave {link}", wording.KeywordTaken),
        ("moved", "{practice}: see https://other.example {link}", wording.ForeignLink),
        ("moved", "{practice}: see bit.ly/abc or {link}", wording.ForeignLink),
        ("code", "{practice}: your code waits at {phone}", wording.PlaceholderMissing),
        ("code", "{practice}: {code}, or open {link}", UnknownPlaceholder),
        ("code", "{practice}: {code} for {date}", UnknownPlaceholder),
        ("booked", "{practice}: {code} {link}", UnknownPlaceholder),
        ("booked", "{practice}: until {until} {link}", UnknownPlaceholder),
        ("offer", "{practice}: until {until}", wording.PlaceholderMissing),
        ("message_left", "{practice}: on {date} {link}", UnknownPlaceholder),
        ("call_asked", "{practice}: {code} on {date}", UnknownPlaceholder),
    ],
)
def test_a_template_that_may_not_be_sent_is_refused_at_start(name: str, words: str, refused: type[Exception]) -> None:
    with pytest.raises(refused):
        library.check(name, words, "en")


def test_a_language_that_lacks_a_text_is_refused_at_start(tmp_path: Path) -> None:
    for language, names in (("en", ("moved", "booked")), ("es", ("moved",))):
        (tmp_path / language).mkdir()
        for name in names:
            (tmp_path / language / f"{name}.txt").write_text("{practice}: {link}")

    with pytest.raises(library.BadTemplate, match="booked"):
        library.load(tmp_path)


def test_links_of_a_long_origin_are_counted_and_those_that_no_two_segments_hold_are_refused_at_start() -> None:
    long = library.load(link="https://appointments.still-waters.example/n/" + "0" * 8)

    assert long.judge("en", "booked", TEXTS.texts["en"]["booked"]).segments == 2
    assert TEXTS.judge("en", "booked", TEXTS.texts["en"]["booked"]).segments == 1
    with pytest.raises(wording.TooLong):
        library.load(link="https://" + "l" * 200)


def test_a_text_never_lacks_a_value_that_its_words_may_hold() -> None:
    """Else it would be known only when it is to be sent."""
    lacking = {}
    for name in NAMES:
        every = " ".join(f"{{{one}}}" for one in sorted(wording.may_hold(name) - {"link", "practice"}))
        unlike = "" if name in wording.UNLIKE_BY else " {link}"
        try:
            fill(library._filled(name, "{practice} " + every + unlike, values_of(name)), {})
        except UnknownPlaceholder as refused:
            lacking[name] = str(refused)

    assert lacking == {}


def values_of(name: str) -> dict[str, str]:
    known = {"practice": "Still Waters", "phone": "+15035550100", "link": LINK, "emergency": "911"}
    return known | library._facts(about(name), Locale("en"))
