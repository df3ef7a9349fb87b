"""The desk over HTTP, on the whole service: what it sees, what it does, and what stays shut to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.twilio_emulator.faults import Fault, Kind
from tests.support import notify_app
from tests.support.backends import RabbitBackend
from tests.support.notify_app import NUMBER, OPERATOR_KEY, PHONE, PRACTICE, App, an_appointment, practice_changed
from tests.support.waiting import until

HOUSE = f"/v1/practices/{PRACTICE}"
ANA = {"Authorization": f"Bearer {OPERATOR_KEY}", "Stillpoint-Person": "Ana"}


@pytest.fixture
async def app(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with notify_app.app(mongo_url, database_name, rabbit) as one:
        await knows_practice(one)
        yield one


async def knows_practice(app: App) -> None:
    await app.say(practice_changed(), subject=PRACTICE, sequence=1)
    await until(lambda: app.database["practices"].find_one({"_id": PRACTICE}))


async def ana(app: App, method: str, path: str, **options: Any) -> tuple[int, Any]:
    async with app.http.request(method, f"/notify{path}", headers=ANA, **options) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_lost_text_is_sent_again_once_and_stands_in_the_clients_line_with_the_replies(app: App) -> None:
    appointment = an_appointment()
    await app.confirm(appointment)
    booked = await app.becomes(appointment, "booked", "delivered")

    status, copy = await ana(app, "POST", f"{HOUSE}/messages/{booked['id']}/resend")
    assert (status, copy["id"], copy["turns"][0]["why"]) == (200, f"{booked['id']}~1", "desk:Ana")
    again = f"{HOUSE}/messages/{copy['id']}/resend"
    await until(lambda: _is(app, appointment, copy["id"], "delivered"))
    assert len(app.bodies()) == 2
    assert (await ana(app, "POST", again))[1]["id"] == f"{booked['id']}~2"
    await until(lambda: _is(app, appointment, f"{booked['id']}~2", "delivered"))
    app.emulator.line.text(PHONE, "C")
    await until(lambda: app.heard)

    entries, cursor = list[dict[str, Any]](), None
    while True:
        asked = {"phone": PHONE, "limit": 2} | ({"before": cursor} if cursor else {})
        _, page = await ana(app, "POST", f"{HOUSE}/timeline", json=asked)
        entries.extend(page["entries"])
        if (cursor := page.get("next")) is None:
            break
    kinds = [entry.get("meaning") or entry["text"]["step"] for entry in entries]
    assert kinds[-4:] == ["confirm", "booked", "booked", "booked"]
    assert PHONE not in str(entries)


async def _is(app: App, appointment: str, text: str, state: str) -> bool:
    _, line = await app.call("GET", f"{HOUSE}/appointments/{appointment}/messages")
    return any(one["id"] == text and one["state"] == state for one in line["messages"])


async def test_the_desk_of_another_practice_finds_nothing(app: App) -> None:
    appointment = an_appointment()
    await app.confirm(appointment)
    booked = await app.becomes(appointment, "booked", "delivered")

    for deed in ("cancel", "retry", "resend"):
        status, problem = await ana(app, "POST", f"/v1/practices/others/messages/{booked['id']}/{deed}")
        assert (status, problem["code"]) == (404, "message-unknown")
    assert (await ana(app, "GET", f"/v1/practices/others/appointments/{appointment}/messages"))[1]["messages"] == []
    assert (await ana(app, "POST", "/v1/practices/others/timeline", json={"phone": PHONE}))[1]["entries"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{HOUSE}/dead"),
        ("POST", f"{HOUSE}/timeline"),
        ("PUT", f"{HOUSE}/paused/booked"),
        ("GET", "/v1/desk/state"),
        ("DELETE", f"/v1/senders/{NUMBER}/pause"),
    ],
)
async def test_without_a_key_every_door_of_the_desk_is_shut(app: App, method: str, path: str) -> None:
    async with app.http.request(method, f"/notify{path}") as answer:
        assert answer.status == 401


async def test_a_name_or_a_cursor_that_is_none_is_refused(app: App) -> None:
    headers = ANA | {"Stillpoint-Person": "<b>"}
    async with app.http.put(f"/notify{HOUSE}/paused/booked", headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (422, "invalid-request")
    for cursor in ("x", "AAAA", "MjAyNi0wMS0wMVQwMDowMDowMAB4"):
        assert (await ana(app, "GET", f"{HOUSE}/dead?before={cursor}"))[0] == 422


async def test_what_did_not_arrive_is_listed_with_its_reason_and_replayed(app: App) -> None:
    app.emulator.faults.add(Fault(kind=Kind.UNDELIVERED, code=30036))
    appointment = an_appointment()
    await app.confirm(appointment)
    await app.becomes(appointment, "booked", "undelivered")

    _, page = await ana(app, "GET", f"{HOUSE}/dead")
    [dead] = page["dead"]
    assert (dead["appointment"], dead["of_use"], "(code 30036)" in dead["in_words"]) == (appointment, True, True)

    done = await ana(app, "POST", f"{HOUSE}/dead/replay", json={"why": dead["text"]["why"]})
    assert done == (200, {"replayed": 1, "stale": 0, "more": False})
    await app.becomes(appointment, "booked", "delivered")
    assert (await ana(app, "GET", f"{HOUSE}/dead"))[1]["dead"] == []


async def test_paused_texts_wait_are_counted_and_the_sender_can_be_stopped_and_let_go(app: App) -> None:
    assert (await ana(app, "PUT", f"{HOUSE}/paused/booked"))[1] == {"paused": [{"template": "booked", "waiting": 0}]}
    assert (await ana(app, "PUT", f"{HOUSE}/paused/nothing"))[0] == 404
    await app.confirm(an_appointment())
    await until(lambda: _waits(app))
    assert (await ana(app, "DELETE", f"{HOUSE}/paused/booked"))[1] == {"paused": []}

    _, stopped = await ana(app, "PUT", f"/v1/senders/{NUMBER}/pause", json={"why": "a wrong name"})
    assert (stopped["standing"], stopped["paused"]["by"]) == ("paused", "Ana")
    appointment = an_appointment()
    await app.confirm(appointment)

    async def waits() -> bool:
        _, state = await ana(app, "GET", "/v1/desk/state")
        return bool(state["due"] == 1 and state["senders"][0]["standing"] == "paused")

    await until(waits)
    assert app.bodies() == []
    assert (await ana(app, "DELETE", f"/v1/senders/{NUMBER}/pause"))[1]["standing"] == "open"
    await app.becomes(appointment, "booked", "delivered")


async def _waits(app: App) -> bool:
    return bool((await ana(app, "GET", f"{HOUSE}/paused"))[1]["paused"] == [{"template": "booked", "waiting": 1}])


@pytest.mark.parametrize(
    ("set_to", "why", "state"),
    [
        ({"notify_dry_run": True}, "dry_run", {"dry_run": True}),
        ({"notify_only_to": "+15035550199, +15035550198"}, "sandbox", {"dry_run": False, "only_to": 2}),
    ],
    ids=["dry run", "sandbox"],
)
async def test_in_a_rehearsal_everything_happens_but_the_post(
    mongo_url: str, database_name: str, rabbit: RabbitBackend, set_to: dict[str, Any], why: str, state: dict[str, Any]
) -> None:
    async with notify_app.app(mongo_url, database_name, rabbit, set_to=set_to) as one:
        await knows_practice(one)
        appointment = an_appointment()
        await one.confirm(appointment)

        booked = await one.becomes(appointment, "booked", "skipped")

        assert (booked["why"], booked["body"].startswith("Still Waters")) == (why, True)
        assert one.bodies() == []
        shown = (await ana(one, "GET", "/v1/desk/state"))[1]
        assert (shown | state, shown["live"]) == (shown, False)


async def test_the_metrics_of_texts_move_as_the_service_works(app: App) -> None:
    before = await _metric(app, 'texts_ended_total{state="delivered",template="booked"}')
    appointment = an_appointment()
    await app.confirm(appointment)
    await app.becomes(appointment, "booked", "delivered")

    assert await _metric(app, 'texts_ended_total{state="delivered",template="booked"}') == before + 1
    await until(lambda: _nothing_is_due(app))  # counted every few seconds, it may have been in between
    await until(lambda: _stands_open(app))


async def _nothing_is_due(app: App) -> bool:
    return await _metric(app, "texts_due") == 0


async def _stands_open(app: App) -> bool:
    return await _metric(app, 'texts_sender_standing{standing="open"}') == 1


async def _metric(app: App, name: str) -> float:
    async with app.http.get("/notify/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)
