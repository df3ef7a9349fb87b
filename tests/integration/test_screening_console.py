"""The review queue for people on the whole service: who sees what, who is noted, and the decision in two steps."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Final

import pytest

from services.screening.console.reviewing import soonest
from services.screening.routes.case_payloads import ReviewOut
from shared.staff import COOKIE, Passes, Role, Staff
from tests.integration.test_screening_turns import opened, settled, upload
from tests.support.backends import RabbitBackend
from tests.support.screening import CLEAR, PRACTICE, REVIEWED
from tests.support.screening_app import App, app, token

PASSES: Final = Passes("signing-" + "s" * 32)
ANA: Final = Staff(user="u1", name="Ana", practice=PRACTICE, role=Role.PRACTITIONER, session="s1", practitioner="ana")
OWNER: Final = Staff(user="u2", name="Olga", practice=PRACTICE, role=Role.OWNER, session="s2")
NOTE: Final = "Talked on the phone."
QUEUE: Final = "/console/reviews"
HOUR: Final = timedelta(hours=1)


@pytest.fixture
async def screening(mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with app(mongo_url, fresh_database, rabbit) as one:
        yield one


async def see(screening: App, path: str, staff: Staff = ANA) -> tuple[int, str]:
    shown = {"Cookie": f"{COOKIE}={PASSES.mint(staff, datetime.now(UTC))}"}
    async with screening.http.get(f"/screening{path}", headers=shown, allow_redirects=False) as answer:
        return answer.status, unescape(await answer.text())


async def do(screening: App, appointment: str, staff: Staff = ANA, **form: str) -> tuple[int, str]:
    shown = {"Cookie": f"{COOKIE}={PASSES.mint(staff, datetime.now(UTC))}"}
    sent = {"csrf": PASSES.form(staff.session), **form}
    path = f"/screening/console/cases/{appointment}/decision"
    async with screening.http.post(path, data=sent, headers=shown, allow_redirects=False) as answer:
        return answer.status, unescape(await answer.text())


async def waiting(screening: App) -> str:
    appointment = await settled(screening, REVIEWED)
    await screening.becomes(appointment, "in_review")
    return appointment


async def state(screening: App, appointment: str) -> str:
    return str((await opened(screening, appointment))["state"])


async def test_the_queue_tells_an_owner_what_waits_and_opens_answers_to_who_gives_visits(screening: App) -> None:
    appointment = await waiting(screening)
    case = f"/console/cases/{appointment}"

    for staff, opens in ((ANA, True), (OWNER, False), (replace(OWNER, practitioner="olga"), True)):
        status, queue = await see(screening, QUEUE, staff)
        assert status == 200
        assert "The rules want a person to look" in queue
        assert (f"/screening{case}" in queue) is opens
        assert (await see(screening, case, staff))[0] == (200 if opens else 403)
    assert (await see(screening, QUEUE, replace(OWNER, role=Role.DESK)))[0] == 403
    assert (await see(screening, case, replace(OWNER, role=Role.DESK)))[0] == 403
    assert "Las reglas piden" in (await see(screening, QUEUE, replace(ANA, locale="es")))[1]


def test_what_has_to_be_decided_before_the_visit_is_told_as_that() -> None:
    noon = datetime(2027, 6, 16, 12, tzinfo=UTC)
    for deadline, starts_at, by in (
        (noon, noon + HOUR, noon),
        (noon + HOUR, noon, noon),
        (noon, None, noon),
        (None, noon, None),
    ):
        assert soonest(ReviewOut.model_construct(deadline=deadline, starts_at=starts_at)) == by


async def test_who_opens_a_case_is_noted_and_the_client_can_see_it(screening: App) -> None:
    appointment = await waiting(screening)
    status, page = await see(screening, f"/console/cases/{appointment}")
    seen = await screening.call("GET", f"/v1/appointments/{appointment}/access", token=token(appointment))

    assert status == 200
    assert "What the rules found" in page
    assert "All answers" in page
    assert [one["by"] for one in seen.body["opened"]] == ["Ana"]


async def test_a_decision_is_looked_at_twice_and_made_once(screening: App) -> None:
    appointment = await waiting(screening)
    version = re.search(r'name="version" value="(\d+)"', (await see(screening, f"/console/cases/{appointment}"))[1])
    assert version is not None
    asked = {"decision": "more_info", "note": NOTE, "to_client": "Which hip, please?", "version": version[1]}

    status, page = await do(screening, appointment, **asked)
    assert status == 200
    assert "What the client will read" in page
    assert "Which hip, please?" in page
    assert await state(screening, appointment) == "in_review"

    assert (await do(screening, appointment, **asked, sure="yes"))[0] == 303
    told = await screening.outcome(appointment)
    assert told.body["message_from_practice"] == "Which hip, please?"
    assert (await do(screening, appointment, **asked, sure="yes"))[0] in {303, 409}


DOCTOR: Final = {"given_by": "Dr A", "profession": "GP", "given_on": "2999-01-01"}
WRONG: Final = (
    ({"decision": "approve", "note": "short"}, "note"),
    ({"decision": "more_info", "note": NOTE}, "to_client"),
    ({"note": NOTE}, "decision"),
    ({"decision": "everything", "note": NOTE}, "decision"),
    ({"decision": "approve", "note": NOTE, "valid_days": "many"}, "valid_days"),
    ({"decision": "approve", "note": NOTE, "given_by": "Dr A"}, "given_on"),
    ({"decision": "approve", "note": NOTE, **DOCTOR}, "given_on"),
    ({"decision": "refuse", "note": "x" * 4001}, "note"),
)


async def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(screening: App) -> None:
    appointment = await waiting(screening)
    version = str((await opened(screening, appointment))["version"])
    for form, field in WRONG:
        status, page = await do(screening, appointment, **form, version=version, sure="yes")

        assert (field, status) == (field, 422)
        assert f'href="#{field}"' in page
        for name in ("note", "given_by"):
            assert form.get(name, "") in page
    assert await state(screening, appointment) == "in_review"


async def test_another_practice_another_site_and_the_desk_decide_nothing(screening: App) -> None:
    appointment = await waiting(screening)
    version = str((await opened(screening, appointment))["version"])
    form = {"decision": "refuse", "note": NOTE, "version": version, "sure": "yes"}

    assert (await do(screening, appointment, replace(ANA, practice="another"), **form))[0] == 404
    assert (await see(screening, f"/console/cases/{appointment}", replace(ANA, practice="another")))[0] == 404
    assert (await do(screening, appointment, OWNER, **form))[0] == 403
    assert (await do(screening, appointment, ANA, **form, csrf="0"))[0] == 403
    assert await state(screening, appointment) == "in_review"
    stale = form | {"version": "1"}
    assert (await do(screening, appointment, ANA, **stale))[0] == 409
    assert (await do(screening, appointment, ANA, **form))[0] == 303
    assert await state(screening, appointment) == "refused"


async def test_a_file_of_the_client_is_saved_and_never_shown(screening: App) -> None:
    appointment = await waiting(screening)
    assert (await upload(screening, appointment, b"%PDF-1.7 letter")).status == 200
    [kept] = (await opened(screening, appointment))["attachments"]
    path = f"/console/cases/{appointment}/attachments/{kept['id']}"
    shown = {"Cookie": f"{COOKIE}={PASSES.mint(ANA, datetime.now(UTC))}"}
    async with screening.http.get(f"/screening{path}", headers=shown) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Disposition"].startswith("attachment; ")
        assert await answer.read() == b"%PDF-1.7 letter"
    assert (await see(screening, path, OWNER))[0] == 403


async def test_how_a_check_stands_is_seen_without_opening_it_and_nobody_is_noted_for_it(screening: App) -> None:
    appointment = await waiting(screening)
    path = f"/console/visits/{appointment}"

    async def noted() -> list[str]:
        seen = await screening.call("GET", f"/v1/appointments/{appointment}/access", token=token(appointment))
        return [one["by"] for one in seen.body["opened"]]

    async def views() -> int:
        return await screening.database["audit"].count_documents({"deed": "view"})

    for staff, words, reads in ((ANA, "waits for you", True), (OWNER, "waits for who gives visits", False)):
        status, page = await see(screening, path, staff)
        assert (status, words in page, "decide by" in page, "Decided" in page) == (200, True, True, False)
        assert (f"/screening/console/cases/{appointment}" in page) is reads
        assert "What the rules found" not in page
    assert "espera a quien da citas" in (await see(screening, path, replace(OWNER, locale="es")))[1]

    assert (await see(screening, path, replace(OWNER, role=Role.DESK)))[0] == 403
    assert (await see(screening, path, replace(ANA, practice="another")))[0] == 404
    assert (await see(screening, f"/console/visits/{'a' * 26}"))[0] == 404
    assert await noted() == []
    assert await views() == 0
    await see(screening, f"/console/cases/{appointment}")
    assert await noted() == ["Ana"]
    assert await views() == 1


async def test_what_has_to_be_decided_first_stands_first_though_another_deadline_is_earlier(screening: App) -> None:
    late, soon = await waiting(screening), await waiting(screening)
    now = datetime.now(UTC)
    cases = screening.database["cases"]
    await cases.update_one({"_id": late}, {"$set": {"deadline": now + HOUR, "starts_at": now + 9 * HOUR}})
    await cases.update_one({"_id": soon}, {"$set": {"deadline": now + 2 * HOUR, "starts_at": now + HOUR / 2}})

    _, queue = await see(screening, QUEUE)

    assert re.findall(r'href="/screening/console/cases/(\w+)"', queue) == [soon, late]


async def test_a_check_that_needs_nobody_is_told_as_decided_and_until_when_it_counts(screening: App) -> None:
    appointment = await settled(screening, CLEAR)
    await screening.becomes(appointment, "cleared")

    status, page = await see(screening, f"/console/visits/{appointment}", OWNER)

    assert (status, "cleared" in page, "Decided" in page, "decide by" in page) == (200, True, True, False)
