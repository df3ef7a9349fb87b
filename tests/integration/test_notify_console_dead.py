"""Texts that did not arrive and texts that are kept back, on the staff's pages of the whole service."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any, Final

import pytest

from deploy.twilio_emulator.faults import Fault, Kind
from services.notify import documents
from services.notify.actions.notices import planned
from services.notify.domain.delivery import State
from shared.clock import utc_now
from shared.staff import COOKIE, Passes, Role, Staff
from tests.support import notify_app
from tests.support.backends import RabbitBackend
from tests.support.notify import offer, practice
from tests.support.notify_app import PHONE, PRACTICE, SIGNING_KEY, App, an_appointment, practice_changed
from tests.support.waiting import until

PASSES: Final = Passes(SIGNING_KEY)
OWNER: Final = Staff(user="u3", name="Olga", practice=PRACTICE, role=Role.OWNER, session="s3")
DESK: Final = Staff(user="u2", name="Dan", practice=PRACTICE, role=Role.DESK, session="s2")
STRANGER: Final = replace(OWNER, practice="another-house")
DEAD: Final = "/notify/console/dead"
SENDING: Final = "/notify/console/sending"


@pytest.fixture
async def app(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with notify_app.app(mongo_url, database_name, rabbit) as one:
        await one.say(practice_changed(), subject=PRACTICE, sequence=1)
        await until(lambda: one.database["practices"].find_one({"_id": PRACTICE}))
        yield one


async def see(app: App, path: str = DEAD, staff: Staff = DESK) -> tuple[int, str]:
    shown = {"Cookie": f"{COOKIE}={PASSES.mint(staff, utc_now())}"}
    async with app.http.get(path, headers=shown, allow_redirects=False) as answer:
        return answer.status, unescape(await answer.text())


async def do(app: App, path: str, staff: Staff = DESK, **form: str) -> tuple[int, str]:
    """The status, and where it leads or what it says."""
    shown = {"Cookie": f"{COOKIE}={PASSES.mint(staff, utc_now())}"}
    sent = {"csrf": PASSES.form(staff.session), **form}
    async with app.http.post(path, data=sent, headers=shown, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or unescape(await answer.text())


async def lost(app: App) -> dict[str, Any]:
    """A text that the carrier did not bring, and that would still be of use."""
    app.emulator.faults.add(Fault(kind=Kind.UNDELIVERED, code=30036))
    await app.confirm(appointment := an_appointment())
    return await app.becomes(appointment, "booked", "undelivered")


def visit_of(text: dict[str, Any]) -> str:
    return str(text["id"].partition("/")[0])


async def test_what_did_not_arrive_is_told_with_its_reason_and_without_its_words_or_number(app: App) -> None:
    text = await lost(app)
    status, page = await see(app)

    assert status == 200
    assert f"number that ends in {PHONE[-4:]}" in page
    assert "Code 30036." in page
    assert f"/booking/console/visits/{visit_of(text)}" in page
    assert PHONE not in page
    assert text["body"] not in page
    assert "Código 30036." in (await see(app, staff=replace(DESK, locale="es")))[1]
    assert "Nothing is left to see to here" in (await see(app, staff=STRANGER))[1]
    assert "Nothing is left to see to here" in (await see(app, f"{DEAD}?why=opted_out"))[1]


async def test_one_is_sent_again_with_a_press(app: App) -> None:
    text = await lost(app)

    status, on = await do(app, f"{DEAD}/retry", text=text["id"])

    assert (status, on) == (303, f"{DEAD}?done=retry")
    assert "It goes out again now" in (await see(app, on))[1]
    again = await app.becomes(visit_of(text), "booked", "delivered")
    assert "desk:Dan" in {turn.get("why") for turn in again["turns"]}
    assert "Nothing is left to see to here" in (await see(app))[1]


async def test_one_is_put_aside_and_still_stands_on_its_visits_page_from_where_it_may_go_out(app: App) -> None:
    text = await lost(app)
    texts = f"/notify/console/visits/{visit_of(text)}"

    for _ in range(2):
        assert await do(app, f"{DEAD}/aside", text=text["id"]) == (303, f"{DEAD}?done=aside")

    assert text["id"] not in (await see(app))[1]
    assert "did not arrive" in (await see(app, texts))[1]
    assert (await do(app, f"{DEAD}/replay", why=text["why"]))[1] == f"{DEAD}?done=replay&replayed=0&stale=0"
    app.emulator.faults.add(Fault(kind=Kind.UNDELIVERED, code=30036))
    assert (await do(app, f"{texts}/retry", text=text["id"]))[0] == 303

    async def listed() -> bool:
        return text["id"] in (await see(app))[1]

    await until(listed)  # what is lost once more is to be seen to once more
    assert (await do(app, f"{texts}/retry", text=text["id"]))[0] == 303
    await app.becomes(visit_of(text), "booked", "delivered")
    assert (await do(app, f"{DEAD}/aside", text=text["id"]))[0] == 409


async def test_all_that_ended_for_one_reason_are_sent_again_at_once(app: App) -> None:
    texts = [await lost(app), await lost(app)]
    alike = re.search(rf'href="({DEAD}\?why=[^"]+)"', (await see(app))[1])
    assert alike is not None
    page = (await see(app, alike[1]))[1]
    assert all(text["id"] in page for text in texts)
    assert "Send all of these again" in page

    status, on = await do(app, f"{DEAD}/replay", why=texts[0]["why"])

    assert (status, on) == (303, f"{DEAD}?done=replay&replayed=2&stale=0")
    assert "Sent again: 2. Of no use any more: 0." in (await see(app, on))[1]
    for text in texts:
        await app.becomes(visit_of(text), "booked", "delivered")


async def test_another_practice_another_site_and_nonsense_change_nothing(app: App) -> None:
    text = await lost(app)
    for deed in ("retry", "aside"):
        assert (await do(app, f"{DEAD}/{deed}", STRANGER, text=text["id"]))[0] == 404
        assert (await do(app, f"{DEAD}/{deed}", text="a/b/c"))[0] == 404
        assert (await do(app, f"{DEAD}/{deed}"))[0] == 404
        for csrf in ("", PASSES.form("s9")):
            assert (await do(app, f"{DEAD}/{deed}", text=text["id"], csrf=csrf))[0] == 403
    assert (await do(app, f"{DEAD}/replay", STRANGER, why=text["why"]))[1].endswith("replayed=0&stale=0")
    assert (await do(app, f"{DEAD}/replay", why=text["why"], csrf="0"))[0] == 403
    for why in ("", "x" * 81):
        assert (await do(app, f"{DEAD}/replay", why=why))[0] == 422
    for query in ("before=nonsense", f"why={'x' * 81}"):
        assert (await see(app, f"{DEAD}?{query}"))[0] == 422
    assert (await see(app, f"{DEAD}?done=<b>&replayed=-1&stale=many"))[0] == 200
    assert text["id"] in (await see(app))[1]


async def test_an_owner_keeps_texts_back_and_lets_them_go_and_everybody_sees_how_many_wait(app: App) -> None:
    assert "Nothing is kept back." in (await see(app, SENDING))[1]
    assert await do(app, f"{SENDING}/pause", OWNER, template="booked") == (303, SENDING)
    assert "none waits" in (await see(app, SENDING))[1]
    await app.confirm(appointment := an_appointment())

    async def waits() -> bool:
        return ">one waits<" in (await see(app, SENDING))[1]

    await until(waits)
    assert (await app.texts(appointment))["booked"]["state"] == "planned"
    assert "Let them go on" not in (await see(app, SENDING))[1]
    assert "Let them go on" in (await see(app, SENDING, OWNER))[1]
    assert await do(app, f"{SENDING}/resume", OWNER, template="booked") == (303, SENDING)
    assert "Nothing is kept back." in (await see(app, SENDING))[1]


async def test_only_owners_keep_texts_back_and_only_such_as_there_are(app: App) -> None:
    async def paused() -> list[str]:
        found = await app.database["practices"].find_one({"_id": PRACTICE})
        return list((found or {}).get("paused", ()))

    for staff in (DESK, replace(DESK, role=Role.PRACTITIONER, practitioner="ana")):
        assert (await do(app, f"{SENDING}/pause", staff, template="booked"))[0] == 403
        assert (await do(app, f"{SENDING}/resume", staff, template="booked"))[0] == 403
    assert (await do(app, f"{SENDING}/pause", OWNER, template="booked", csrf="0"))[0] == 403
    assert (await do(app, f"{SENDING}/pause", OWNER, template="nothing"))[0] == 404
    assert (await do(app, f"{SENDING}/pause", STRANGER, template="booked"))[0] == 404
    assert await paused() == []
    await do(app, f"{SENDING}/pause", OWNER, template="booked")
    assert await paused() == ["booked"]


async def test_the_texts_of_an_offer_lead_to_no_visit_for_there_is_none_yet(app: App) -> None:
    told = replace(planned(offer(), practice(id=PRACTICE), "Ab3dEf9h"), state=State.FAILED, due=None, practice=PRACTICE)
    told = replace(told, planned_for=utc_now(), not_after=utc_now() - timedelta(minutes=1), why="landline:30006")
    await app.database["messages"].insert_one(documents.of_message(told))

    _, texts = await see(app, f"/notify/console/visits/{told.appointment}")
    _, dead = await see(app)

    for page in (texts, dead):
        assert "A time has come free" in page
        assert "/booking/console/visits/" not in page
    assert "of no use any more" in dead
    assert "Send it once more" not in dead
    assert "Put aside" in dead
    assert (await do(app, f"{DEAD}/replay", why="landline:30006"))[1].endswith("replayed=0&stale=1")
