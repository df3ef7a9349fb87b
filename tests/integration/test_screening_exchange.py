"""FHIR and the page to print over HTTP: noted before anything is handed out, never cached, and only to the operator."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.screening import overlays
from shared.events.booking import ClientExportAsked
from tests.support import fhir_rules
from tests.support import screening as twin
from tests.support.backends import RabbitBackend
from tests.support.fhir_forms import a_form, item, option
from tests.support.screening import CATALOGUE, PRACTICE
from tests.support.screening_app import OPERATOR_KEY, App, Json, an_appointment, app, token
from tests.support.waiting import until

FHIR = "application/fhir+json"
ASK = "e" * 26
EXPORT = f"/v1/practices/{PRACTICE}/exports/{ASK}"
FORM = f"/v1/practices/{PRACTICE}/questionnaire/fhir"
IMPORT = f"/v1/practices/{PRACTICE}/forms/import?form=cst-core"
SECRET = 'Quokka "über" <alles> & 7f3a'


@pytest.fixture
async def screening(mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with app(mongo_url, fresh_database, rabbit) as running:
        yield running


async def fetched(
    screening: App, path: str, *, key: str = OPERATOR_KEY, method: str = "GET", **sent: Any
) -> tuple[int, str, dict[str, str]]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    headers |= sent.pop("headers", {})
    async with screening.http.request(method, f"/screening{path}", headers=headers, **sent) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


async def reviewed(screening: App) -> str:
    appointment = an_appointment()
    await screening.answer(appointment, twin.REVIEWED)
    await screening.request(appointment)
    await screening.becomes(appointment, "in_review")
    return appointment


async def exporting(screening: App, *appointments: str) -> None:
    about: dict[str, Any] = {"refs": ("c" * 20,), "phones": (), "appointments": appointments}
    await screening.say(ClientExportAsked(ask=ASK, **about), subject=ASK)
    await until(lambda: screening.database["asks"].find_one({"_id": ASK, "done_at": {"$ne": None}}))


async def deeds(screening: App, appointment: str) -> list[str]:
    found = await screening.as_operator("GET", f"/v1/practices/{PRACTICE}/audit?record={appointment}")
    return [one["what"] for one in found.body["entries"]]


async def test_the_form_is_handed_out_as_fhir_to_anybody_in_the_language_asked_for(screening: App) -> None:
    status, text, headers = await fetched(screening, f"{FORM}?service=session&locale=es", key="")
    form = json.loads(text)
    assert (status, headers["Content-Type"].partition(";")[0]) == (200, FHIR)
    assert (form["url"], form["version"], form["language"]) == (
        "urn:stillpoint:questionnaire:cst-core",
        "2026.1.0",
        "es",
    )
    assert [*fhir_rules.of_questionnaire(form)] == []
    assert (await fetched(screening, f"{FORM}?service=none", key=""))[0] == 404


async def test_a_case_as_fhir_is_noted_as_an_export_before_it_is_handed_out(screening: App) -> None:
    appointment = await reviewed(screening)
    path = f"/v1/cases/{appointment}/fhir"
    status, text, headers = await fetched(screening, path)
    bundle: Json = json.loads(text)
    assert (status, headers["Content-Type"].partition(";")[0], headers["Cache-Control"]) == (200, FHIR, "no-store")
    assert [*fhir_rules.of_bundle(bundle)] == []
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert kinds == ["Patient", "Questionnaire", "QuestionnaireResponse", "Task", "AuditEvent"]
    # The copy already tells of itself: it was in the chain when the answers were opened.
    assert bundle["entry"][-1]["resource"]["subtype"][0]["code"] == "export"
    assert (await deeds(screening, appointment)).count("export") == 1
    for key in ("", token(appointment)):
        assert (await fetched(screening, path, key=key))[0] == 401
    assert (await fetched(screening, f"/v1/cases/{an_appointment()}/fhir"))[0] == 404
    assert (await deeds(screening, appointment)).count("export") == 1


async def test_nothing_is_handed_out_that_could_not_be_noted(screening: App) -> None:
    appointment = await reviewed(screening)
    await exporting(screening, appointment)
    await screening.database.command("collMod", "audit", validator={"deed": {"$ne": "export"}})
    for path in (f"/v1/cases/{appointment}/fhir", EXPORT, f"{EXPORT}?format=fhir", f"{EXPORT}?format=html"):
        status, text, _ = await fetched(screening, path)
        assert status >= 500
        assert "anticoagulant" not in text


@pytest.mark.parametrize(("form", "kind"), [("json", "application/json"), ("fhir", FHIR), ("html", "text/html")])
async def test_an_export_is_the_same_in_three_forms_each_noted(screening: App, form: str, kind: str) -> None:
    appointments = [await reviewed(screening), await reviewed(screening)]
    await exporting(screening, *appointments)
    status, text, headers = await fetched(screening, f"{EXPORT}?format={form}")
    assert (status, headers["Content-Type"].partition(";")[0], headers["Cache-Control"]) == (200, kind, "no-store")
    for appointment in appointments:
        assert appointment in text
        assert (await deeds(screening, appointment)).count("export") == 1
    assert {"json": "anticoagulant", "fhir": "anticoagulant", "html": "warfarin"}[form] in text
    assert (await fetched(screening, f"{EXPORT}?format={form}", key=""))[0] == 401
    assert (await fetched(screening, f"{EXPORT}?format=xml"))[0] == 422


async def test_the_page_is_in_the_language_asked_for_and_runs_nothing(screening: App) -> None:
    await exporting(screening, await reviewed(screening))
    _, text, headers = await fetched(screening, f"{EXPORT}?format=html&locale=es")
    assert '<html lang="es">' in text
    assert "Se guarda hasta" in text
    rules = headers["Content-Security-Policy"]
    assert rules.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in rules


async def test_a_questionnaire_is_read_into_what_a_draft_takes_and_nothing_is_kept(screening: App) -> None:
    before = await screening.database.list_collection_names()
    sent = a_form(item("jaw", "boolean"), item("side", "choice", answerOption=[option("left"), option("right")]))
    status, text, headers = await fetched(
        screening, IMPORT, method="POST", data=json.dumps(sent), headers={"Content-Type": FHIR}
    )
    read = json.loads(text)
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    overlay = overlays.OverlayTable.model_validate(read["overlay"])
    assert [one.id for one in overlay.question] == ["p_jaw", "p_side"]
    assert overlays.made(overlay, "0" * 64, CATALOGUE).holes(CATALOGUE.texts) == ()
    assert {one["path"] for one in read["changed"]} == {"item[0]", "item[1]"}
    assert sorted(await screening.database.list_collection_names()) == sorted(before)
    put = await screening.as_operator("PUT", f"/v1/practices/{PRACTICE}/forms/cst-core/draft", read["overlay"])
    assert put.status == 200, put.body


async def test_what_is_not_supported_is_refused_with_its_places_and_repeats_nothing(screening: App) -> None:
    sent = a_form(item("a", "boolean", initial=[{"valueBoolean": True}]), item("b", "decimal", definition=SECRET))
    status, text, _ = await fetched(
        screening, IMPORT, method="POST", data=json.dumps(sent), headers={"Content-Type": FHIR}
    )
    refused = json.loads(text)
    assert (status, refused["code"]) == (422, "questionnaire-not-supported")
    assert [one["path"] for one in refused["troubles"]] == ["item[0].initial", "item[1].definition", "item[1].type"]
    assert "Quokka" not in text


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/xml", b"<Questionnaire/>", 415),
        (FHIR, b"{", 422),
        (FHIR, b"x" * 300_000, 413),
        (FHIR, b"", 422),
        (FHIR, json.dumps({"resourceType": "Questionnaire", "item": [{}] * 50_000}).encode(), 422),
    ],
)
async def test_anything_else_is_refused(screening: App, kind: str, body: bytes, status: int) -> None:
    found = await fetched(screening, IMPORT, method="POST", data=body, headers={"Content-Type": kind})
    assert found[0] == status
    unknown = f"/v1/practices/{PRACTICE}/forms/import?form=unheard-of"
    sent = json.dumps(a_form(item("jaw", "boolean")))
    assert (await fetched(screening, unknown, method="POST", data=sent, headers={"Content-Type": FHIR}))[0] == 422
    assert (await fetched(screening, IMPORT, method="POST", data=sent, key="", headers={"Content-Type": FHIR}))[
        0
    ] == 401
