"""The staff's pages of notify on the whole service: who is shown what, and what they can do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from html import unescape
from typing import Final

import pytest

from services.notify import library
from services.notify.actions.wordings import ChangedMeanwhile
from services.notify.console.routes import FOLDER
from services.notify.console.shelves import SHELVES
from services.notify.domain import whys
from services.notify.domain.delivery import State
from services.notify.domain.notice import NoticeKind
from services.notify.domain.reply import ANSWER_STEPS
from services.notify.domain.steps import STEPS
from services.notify.domain.text import PLACEHOLDERS, ForbiddenWord, UnknownPlaceholder
from services.notify.domain.wording import REFUSES
from shared.clock import utc_now
from shared.console import SHARED_WORDS
from shared.console.catalogue import Catalogue
from shared.staff import COOKIE, Passes, Role, Staff
from tests.integration.test_notify_replies import PHONE, booked, texted
from tests.support import notify_app
from tests.support.backends import RabbitBackend
from tests.support.notify_app import PRACTICE, SIGNING_KEY, App, practice_changed
from tests.support.waiting import until

PASSES: Final = Passes(SIGNING_KEY)
ANA: Final = Staff(user="u1", name="Ana", practice=PRACTICE, role=Role.PRACTITIONER, session="s1", practitioner="ana")
DESK: Final = Staff(user="u2", name="Dan", practice=PRACTICE, role=Role.DESK, session="s2")
WORDS: Final = "I cannot breathe well since yesterday"
CALLS: Final = "/notify/console/calls"


@pytest.fixture
async def app(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with notify_app.app(mongo_url, database_name, rabbit) as one:
        await one.say(practice_changed(), subject=PRACTICE, sequence=1)
        await until(lambda: one.database["practices"].find_one({"_id": PRACTICE}))
        yield one


async def _see(app: App, staff: Staff, path: str = CALLS) -> tuple[int, str]:
    shown = {"Cookie": f"{COOKIE}={PASSES.mint(staff, utc_now())}"}
    async with app.http.get(path, headers=shown, allow_redirects=False) as answer:
        return answer.status, unescape(await answer.text())


async def _do(app: App, staff: Staff, path: str, csrf: str | None = None) -> int:
    shown = {"Cookie": f"{COOKIE}={PASSES.mint(staff, utc_now())}"}
    form = {"csrf": PASSES.form(staff.session) if csrf is None else csrf}
    async with app.http.post(CALLS + path, data=form, headers=shown, allow_redirects=False) as answer:
        return answer.status


async def test_calls_are_for_everybody_of_the_practice_and_words_for_who_sees_answers(app: App) -> None:
    appointment = await booked(app)
    sid = "SM" + "7" * 32
    assert await texted(app, sid, WORDS) == 200
    await until(lambda: app.database["calls"].find_one({}))

    for staff, reads in ((ANA, True), (DESK, False)):
        status, page = await _see(app, staff)
        assert (status, f'href="tel:{PHONE}"' in page, f"/booking/console/visits/{appointment}" in page) == (
            200,
            True,
            True,
        )
        assert (WORDS in page) is reads
        assert ("Only who gives visits reads" in page) is not reads
    spanish = (await _see(app, replace(ANA, locale="es")))[1]
    assert "He llamado" in spanish

    stranger = replace(ANA, practice="another-house")
    page = (await _see(app, stranger))[1]
    assert PHONE not in page
    assert WORDS not in page
    assert await _do(app, stranger, f"/{sid}/done") == 404
    assert await _do(app, stranger, f"/texts/{sid}/read") == 404
    assert await _do(app, ANA, f"/{sid}/done", csrf="0") == 403
    assert "Nobody is waiting" not in (await _see(app, ANA))[1]

    assert await _do(app, ANA, f"/texts/{sid}/read") == 303
    assert await _do(app, DESK, f"/{sid}/done") == 303
    page = (await _see(app, ANA))[1]
    assert "Nobody is waiting for a call." in page
    assert "read by Ana" in page
    assert (await app.database["calls"].find_one({}))["done_by"] == "Dan"


async def test_an_address_that_does_not_fit_is_told_and_no_pass_leads_to_one(app: App) -> None:
    assert (await _see(app, ANA, f"{CALLS}?before=nonsense"))[0] == 422
    async with app.http.get(CALLS, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (
            307,
            "/booking/console/renew?to=%2Fnotify%2Fconsole%2Fcalls",
        )


async def test_the_texts_of_a_visit_are_held_back_and_sent_from_its_page(app: App) -> None:
    appointment = await booked(app)
    path = f"/notify/console/visits/{appointment}"
    texts = await app.texts(appointment)
    later = texts["day_before"]["id"]

    status, page = await _see(app, ANA, path)
    assert status == 200
    assert texts["booked"]["body"] in page
    assert "The day before" in page
    assert "El día antes" in (await _see(app, replace(ANA, locale="es"), path))[1]
    assert "There is no text" in (await _see(app, replace(ANA, practice="another-house"), path))[1]

    async def does(deed: str, text: str, staff: Staff = ANA) -> int:
        shown = {"Cookie": f"{COOKIE}={PASSES.mint(staff, utc_now())}"}
        form = {"csrf": PASSES.form(staff.session), "text": text}
        async with app.http.post(f"{path}/{deed}", data=form, headers=shown, allow_redirects=False) as answer:
            return answer.status

    assert await does("cancel", later, replace(ANA, practice="another-house")) == 404
    assert await does("cancel", f"{'a' * 26}/day_before/x") == 404
    assert await does("retry", texts["booked"]["id"]) == 409
    assert await does("cancel", later) == 303
    cancelled = (await app.texts(appointment))["day_before"]
    assert (cancelled["state"], cancelled["why"]) == ("cancelled", "desk:Ana")
    assert await does("retry", later) == 303
    await app.becomes(appointment, "day_before", "delivered")


def test_every_step_state_and_reason_of_a_text_has_words_in_both_languages() -> None:
    catalogue = Catalogue.read([SHARED_WORDS, FOLDER / "words"])
    steps = {step.name for step in STEPS} | ANSWER_STEPS.keys()
    keys = {f"step:{step}" for step in steps} | {f"state:{state.value}" for state in State}

    assert keys <= catalogue.words["en"].keys()
    assert keys | {*whys.WORDS.values(), whys.in_words(None)} <= catalogue.words["es"].keys()


WORDINGS: Final = "/notify/console/wordings"
OWNER: Final = Staff(user="u3", name="Olga", practice=PRACTICE, role=Role.OWNER, session="s3")
OWN: Final = "{practice}: we look forward to {date}, {time}. {link} STOP to opt out."


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one text, as an owner sends the form."""

    app: App
    staff: Staff = OWNER
    address: str = f"{WORDINGS}/en/booked"

    async def send(self, words: str, do: str = "save", at: str = "", **fields: str) -> tuple[int, str]:
        form = {"csrf": PASSES.form(self.staff.session), "words": words, "do": do, "edits": "0", **fields}
        shown = {"Cookie": f"{COOKIE}={PASSES.mint(self.staff, utc_now())}"}
        sent = self.app.http.post(self.address + at, data=form, headers=shown, allow_redirects=False)
        async with sent as answer:
            return answer.status, unescape(await answer.text())

    async def kept(self) -> dict[str, str]:
        found = await self.app.database["practices"].find_one({"_id": PRACTICE})
        return dict((found or {}).get("wordings", {}))


async def test_an_owner_changes_the_words_of_a_text_after_seeing_them_and_goes_back(app: App) -> None:
    words = Words(app)
    status, page = await _see(app, OWNER, words.address)
    assert (status, "the built-in words" in page, "One text" in page, "0.0108 to 0.0145 USD" in page) == (
        200,
        True,
        True,
        True,
    )

    status, page = await words.send(OWN, "look")
    assert (status, "Still Waters: we look forward to" in page, OWN in page) == (200, True, True)
    assert await words.kept() == {}

    assert (await words.send(OWN))[0] == 303
    assert await words.kept() == {"en/booked": OWN}
    page = (await _see(app, OWNER, f"{words.address}?saved=yes"))[1]
    assert "your own words, by Olga" in page
    assert "Kept." in page
    assert "your own words" in (await _see(app, OWNER, f"{WORDINGS}?language=en"))[1]

    assert (await words.send("", at="/built-in"))[0] == 303
    assert await words.kept() == {}


WRONG: Final = (
    ("", "Please write the words"),
    ("{practice}: {link} {name} STOP", "These are: {date}, {emergency}, {link}, {phone}, {practice}, {time}"),
    ("{practice}: hello STOP", "{link} is missing"),
    ("{practice}: your cancer visit. {link} STOP", "“cancer” may tell about somebody's health"),
    ("{practice}: {link}", "STOP ends the texts"),
    ("{practice}: 你 {link} STOP", "With 你 the text would cost more"),
    ("{practice}: {link} or www.else.example STOP", "The only link that a text may hold is {link}"),
    ("{practice}: reply YES to come {link} STOP", "Please ask for another word"),
    ("{practice}: {link} STOP" + " so long" * 40, "no text may be longer than two"),
    ("x" * 641, "641 characters"),
)


async def test_what_is_wrong_with_words_is_told_at_them_and_nothing_typed_is_lost(app: App) -> None:
    words = Words(app)
    for typed, told in WRONG:
        for do, at in (("save", ""), ("look", "/preview")):
            status, page = await words.send(typed, do, at)
            assert (status, told in page) == (422, True), typed
            assert at or f">{typed}</textarea>" in page
    assert await words.kept() == {}


async def test_words_are_for_owners_and_what_somebody_else_set_meanwhile_is_not_overwritten(app: App) -> None:
    words = Words(app)
    for staff in (ANA, DESK):
        assert (await _see(app, staff, WORDINGS))[0] == 403
        assert (await Words(app, staff).send(OWN))[0] == 403
    assert (await words.send(OWN, csrf="0"))[0] == 403
    assert (await Words(app, replace(OWNER, practice="another-house")).send(OWN))[0] == 404
    assert (await _see(app, OWNER, f"{WORDINGS}/en/nothing"))[0] == 404
    assert (await _see(app, OWNER, f"{WORDINGS}?language=xx"))[0] == 404
    assert await words.kept() == {}

    assert (await words.send(OWN))[0] == 303
    status, page = await words.send(OWN.replace("look forward", "wait"))
    assert (status, "Somebody changed the texts" in page, "we wait to" in page) == (409, True, True)
    assert await words.kept() == {"en/booked": OWN}
    assert (await words.send(OWN, edits="x"))[0] == 409


def test_every_text_its_blanks_and_what_may_be_wrong_with_it_have_words_in_both_languages() -> None:
    catalogue = Catalogue.read([SHARED_WORDS, FOLDER / "words"])
    texts = library.load().texts["en"].keys()
    wrong = {refusal.slug for refusal in (UnknownPlaceholder, ForbiddenWord, ChangedMeanwhile, *REFUSES)} | {"empty"}

    assert sorted(template for shelf in SHELVES.values() for template in shelf) == sorted(texts)
    keys = {f"text:{name}" for name in texts} | {f"shelf:{name}" for name in SHELVES}
    keys |= {f"blank:{name}" for name in PLACEHOLDERS} | {f"wording:{slug}" for slug in wrong}
    keys |= {f"step:{kind.value}" for kind in NoticeKind}
    for language in ("en", "es"):
        assert keys <= catalogue.words[language].keys()
