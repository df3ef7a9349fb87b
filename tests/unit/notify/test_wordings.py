"""A practice's own words: what may stand in them, whose they are, and that no bad ones keep a text from going out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify import library
from services.notify.actions.desk import PracticeUnknown
from services.notify.actions.wordings import TRIES, AppointmentUnknown, ChangedMeanwhile, Wordings
from services.notify.domain import wording
from services.notify.domain.practice import Practice, Worded
from services.notify.domain.text import ForbiddenWord, UnknownPlaceholder, plain, size
from services.notify.domain.visit import Seat
from services.notify.library import UnknownTemplate
from services.notify.prices import PRICES
from services.notify.routes.payloads import PlanRequest
from services.notify.routes.wordings import CostView
from shared.errors import Refusal
from tests.support.notify import APPOINTMENT, OFFERED_AT, STARTS, Clock, Practices, link_of, practice, twins, visit

TEXTS = library.load()
OWN = "{practice}: we look forward to {date}, {time}. {link} STOP to opt out."
HOUSE = "still-waters"


class Desk:
    """The wordings of one practice over the twins, and a clock."""

    def __init__(self, known: Practice | None = None) -> None:
        self.clock = Clock(OFFERED_AT)
        self.stores = twins(self.clock)
        self.wordings = Wordings(self.stores, texts=TEXTS, link=link_of, now=self.clock)
        self.known = known or replace(practice(), country="US", zone="America/New_York")

    async def opened(self) -> Desk:
        await self.stores.practices.keep(self.known)
        await self.stores.visits.keep(visit())
        return self

    async def put(self, words: str, *, name: str = "booked", edits: int | None = None, by: str = "Kim") -> Practice:
        return (await self.wordings.put(HOUSE, "en", name, words, edits=edits, by=by))[0]


async def test_own_words_are_sent_instead_of_the_built_in_ones_and_tell_whose_they_are() -> None:
    desk = await Desk().opened()

    changed, set_to = await desk.wordings.put(HOUSE, "en", "booked", OWN, edits=0, by="Kim")

    assert set_to.own == OWN
    assert set_to.worded == Worded("Kim", OFFERED_AT)
    assert changed.edits == 1
    assert await desk.wordings.practice(HOUSE) == changed
    assert TEXTS.render("booked", visit(), changed, "https://s.example/n/1") == (
        "Still Waters: we look forward to Wed, Jun 16, 10:00 AM. https://s.example/n/1 STOP to opt out."
    )
    assert "visit is booked" in TEXTS.render("booked", visit(), desk.known, "https://s.example/n/1")


async def test_dropped_words_are_the_built_in_ones_again() -> None:
    desk = await Desk().opened()
    await desk.put(OWN)

    changed, dropped = await desk.wordings.drop(HOUSE, "en", "booked", edits=1)

    assert (dropped.own, dropped.worded, changed.wordings, changed.worded) == (None, None, {}, {})
    assert (await desk.wordings.drop(HOUSE, "en", "booked", edits=None))[0].edits == changed.edits == 2


async def test_what_was_changed_since_it_was_read_is_not_overwritten() -> None:
    desk = await Desk().opened()
    await desk.put(OWN, edits=0)

    with pytest.raises(ChangedMeanwhile):
        await desk.put(OWN + " Bye.", edits=0)
    with pytest.raises(ChangedMeanwhile):
        await desk.wordings.drop(HOUSE, "en", "booked", edits=0)
    assert (await desk.wordings.practice(HOUSE)).wordings == {"en/booked": OWN}


async def test_the_same_words_set_again_change_nothing() -> None:
    desk = await Desk().opened()
    first = await desk.put(OWN)
    desk.clock.forward(timedelta(hours=1))

    assert await desk.put(OWN.replace(" ", "\u00a0"), by="Ana") == first


class Contested(Practices):
    """Somebody else is always faster."""

    edited = 0

    async def edit(self, practice: Practice) -> bool:
        self.edited += 1
        await super().edit(replace(practice, wordings={}, worded={}))
        return await super().edit(practice)


async def test_an_edit_that_relies_on_nothing_is_tried_again_but_not_for_ever() -> None:
    desk = Desk()
    contested = Contested()
    desk.stores = replace(desk.stores, practices=contested)
    desk.wordings = Wordings(desk.stores, texts=TEXTS, link=link_of, now=desk.clock)
    await desk.opened()

    with pytest.raises(ChangedMeanwhile):
        await desk.put(OWN)
    assert contested.edited == TRIES


@pytest.mark.parametrize(
    ("name", "words", "refused", "slug"),
    [
        ("nothing", "{practice} {link}", UnknownTemplate, "unknown-template"),
        ("booked", "{practice}: {name} {link} STOP", UnknownPlaceholder, "unknown-placeholder"),
        ("booked", "{practice}: {until} {link} STOP", UnknownPlaceholder, "unknown-placeholder"),
        ("booked", "{practice}: your massage {link} STOP", ForbiddenWord, "forbidden-word"),
        ("booked", "{practice}: su masaje {link} STOP", ForbiddenWord, "forbidden-word"),
        ("booked", "{practice}: booked. STOP to opt out.", wording.PlaceholderMissing, "placeholder-missing"),
        ("booked", "{practice}: booked. {link}", wording.OptOutMissing, "opt-out-missing"),
        ("booked", "{practice}: booked \U0001f33f {link} STOP", wording.NotInAlphabet, "not-in-alphabet"),
        ("booked", "{practice}: reply QUIT {link} STOP", wording.KeywordTaken, "keyword-taken"),
        ("booked", "{practice}: Reply cancel to cancel {link} STOP", wording.KeywordTaken, "keyword-taken"),
        ("booked", "{practice}: answer with 'Yes' {link} STOP", wording.KeywordTaken, "keyword-taken"),
        ("booked", "{practice}: text NO if not {link} STOP", wording.KeywordTaken, "keyword-taken"),
        ("booked", "{practice}: env\u00ede CANCEL {link} STOP", wording.KeywordTaken, "keyword-taken"),
        ("booked", "{practice}: see still.com {link} STOP", wording.ForeignLink, "foreign-link"),
        ("booked", "{practice}: see my.still.example. {link} STOP", wording.ForeignLink, "foreign-link"),
        ("booked", "{practice}: your mas-sage {link} STOP", ForbiddenWord, "forbidden-word"),
        ("booked", "{practice}: your MASS\u00c1GE {link} STOP", ForbiddenWord, "forbidden-word"),
        ("booked", "{practice}: your mas{link}sage STOP", ForbiddenWord, "forbidden-word"),
        ("booked", "{practice}: www.other.example {link} STOP", wording.ForeignLink, "foreign-link"),
        ("booked", "{practice}: " + "x" * 260 + " {link} STOP", wording.TooLong, "text-too-long"),
    ],
)
async def test_words_that_may_not_be_sent_are_refused_and_nothing_is_kept(
    name: str, words: str, refused: type[Refusal], slug: str
) -> None:
    desk = await Desk().opened()

    with pytest.raises(refused) as caught:
        await desk.put(words, name=name)

    assert caught.value.slug == slug
    assert await desk.wordings.practice(HOUSE) == desk.known


@pytest.mark.parametrize(
    "words",
    [
        "{practice}: to cancel, call {phone}. {link} STOP",
        "{practice}: text us no later than at the end of the day {link} STOP",
        "{practice}: mail to hi@still.com {link} STOP",
        "{practice}: come at 9 a.m. or later.See you {link} STOP",
    ],
)
async def test_words_that_only_look_like_those_are_let_through(words: str) -> None:
    desk = await Desk().opened()

    assert (await desk.put(words)).wordings == {"en/booked": words}


async def test_only_languages_that_there_are_texts_in_can_be_worded() -> None:
    desk = await Desk().opened()

    with pytest.raises(UnknownTemplate):
        await desk.wordings.put(HOUSE, "xx", "booked", OWN, edits=None, by="Kim")
    with pytest.raises(PracticeUnknown):
        await desk.wordings.put("nowhere", "en", "booked", OWN, edits=None, by="Kim")


async def test_own_words_may_take_two_segments_and_it_is_told_what_that_costs() -> None:
    desk = await Desk().opened()
    long = "{practice}: " + "we look forward to your visit, " * 4 + "{date}, {time}. {link} STOP to opt out."

    _, dear = await desk.wordings.put(HOUSE, "en", "booked", long, edits=None, by="Kim")

    cost = CostView.of(dear.longest, "US")
    assert (cost.segments, cost.least, cost.most) == (2, 2 * PRICES["US"].least, 2 * PRICES["US"].most)
    assert (cost.currency, cost.price_known) == ("USD", True)
    assert CostView.of(dear.longest, "CH").price_known is False
    assert CostView.of(dear.longest, "CH").least is None


@pytest.mark.parametrize(
    "words", ["{practice}: your therapy {link} STOP", "{practice}: {gone} {link} STOP", "{practice}", "x" * 400]
)
async def test_words_that_an_older_release_kept_give_way_to_the_built_in_ones_and_are_told_of(words: str) -> None:
    known = replace(practice(), wordings={"en/booked": words}, worded={"en/booked": Worded("Kim", OFFERED_AT)})
    desk = await Desk(known).opened()

    shown = desk.wordings.one(known, "en", "booked")

    assert TEXTS.render("booked", visit(), known, "l") == TEXTS.render("booked", visit(), practice(), "l")
    assert shown.own == words
    assert shown.refused is not None
    assert shown.longest == desk.wordings.one(practice(), "en", "booked").longest


async def test_every_text_is_listed_once_in_every_language() -> None:
    desk = await Desk().opened()
    listed = [(one.language, one.template) for one in desk.wordings.all(await desk.put(OWN))]

    assert listed == sorted({(language, name) for language, texts in TEXTS.texts.items() for name in texts})


@pytest.mark.parametrize("name", sorted(TEXTS.texts["en"]))
@pytest.mark.parametrize("language", list(TEXTS.texts))
async def test_every_text_can_be_previewed_about_any_visit(language: str, name: str) -> None:
    desk = await Desk().opened()

    for about in (desk.wordings.some_visit(desk.known), await desk.wordings.visit(HOUSE, APPOINTMENT)):
        body, cost = desk.wordings.preview(desk.known, language, name, None, about)

        assert body.startswith("Still Waters: ")
        assert not {"{", "}"} & set(body)
        assert cost == size(body)


async def test_words_are_tried_without_being_set() -> None:
    desk = await Desk().opened()
    about = await desk.wordings.visit(HOUSE, APPOINTMENT)

    body, _ = desk.wordings.preview(desk.known, "en", "booked", OWN, about)

    assert body == f"Still Waters: we look forward to Wed, Jun 16, 10:00 AM. {link_of('0' * 8)} STOP to opt out."
    with pytest.raises(ForbiddenWord):
        desk.wordings.preview(desk.known, "en", "booked", OWN + " therapy", about)
    assert (await desk.wordings.practice(HOUSE)).wordings == {}


async def test_a_preview_is_in_the_language_that_was_asked_for_and_dated_as_the_client_does() -> None:
    desk = await Desk().opened()
    mexican = replace(visit(), locale="es-MX")

    assert "mié 16 de jun, 10:00 am." in desk.wordings.preview(desk.known, "es", "moved", None, mexican)[0]
    assert "mié, 16 jun, 10:00." in desk.wordings.preview(desk.known, "es", "moved", None, visit())[0]


def test_a_plan_that_is_tried_is_in_the_practices_own_words_and_changes_only_what_is_tried() -> None:
    known = replace(
        practice(), wordings={"en/booked": OWN}, emergency="999", most_a_day=1, paused=frozenset({"rebook"})
    )
    tried = PlanRequest.model_validate(
        {
            "visit": {
                "booked_at": "2027-06-09T16:00:00Z",
                "starts_at": "2027-06-16T14:00:00Z",
                "ends_at": "2027-06-16T15:15:00Z",
                "zone": "America/New_York",
                "client_zone": "America/New_York",
            },
            "settings": {"sms_name": "Calm House"},
        }
    )

    assert tried.practice(known) == replace(known, sms_name="Calm House")


async def test_another_practices_visit_is_not_shown() -> None:
    desk = await Desk().opened()

    with pytest.raises(AppointmentUnknown):
        await desk.wordings.visit("other", APPOINTMENT)
    with pytest.raises(AppointmentUnknown):
        await desk.wordings.visit(HOUSE, "z" * 26)


PIECES = st.sampled_from(["{date}", "{time}", "{phone}", "{emergency}", "{count}", "R", "é", "ñ", "€", "[ok]"])
LONG_LINK = "https://" + "l" * 18


@given(st.lists(st.one_of(PIECES, st.text("abc de.,!?áç\u202f", max_size=40)), max_size=14).map(" ".join))
def test_words_that_are_let_through_never_cost_more_than_was_told_wherever_the_client_lives(words: str) -> None:
    name, words = "booked_course", "{practice} " + plain(words) + " {link} STOP"
    try:
        judged = TEXTS.judge("en", name, words)
    except (wording.TooLong, wording.ForeignLink):  # as in "a.de"
        return
    house = replace(practice(sms_name="W" * 21), wordings={f"en/{name}": words}, emergency="112")
    about = visit(starts_at=STARTS.replace(month=9, day=29, hour=16, minute=30), seat=Seat("c" * 26, 0, 12))

    for locale in ("en-US", "en-CA", "en-AU", "en-IE"):
        sent = TEXTS.render(name, replace(about, locale=locale), house, LONG_LINK)
        assert sent.startswith("W" * 21 + " ")
        assert size(sent).encoding == "GSM-7"
        assert size(sent).segments <= judged.segments <= wording.MOST_SEGMENTS
