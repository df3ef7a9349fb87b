"""The details form: what a client typed, read into a person, or what is wrong with it field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from services.booking.actions.visits import Person
from services.booking.page.words import Words
from services.booking.routes.payloads import RequestBody
from shared.errors import Refusal

FIELDS: Final[Mapping[str, str]] = {
    "client.name": "name",
    "client.phone": "phone",
    "phone": "phone",
    "client.zone": "zone",
    "client.born": "born",
    "client.guardian": "guardian_name",
    "client.guardian.name": "guardian_name",
    "client.guardian.phone": "guardian_phone",
    "code": "code",
}
ASKED: Final = ("name", "phone", "zone", "born", "guardian_name", "guardian_phone", "code")
"""In the order of the page."""
REFUSED: Final = frozenset(
    {"not-a-mobile-number", "birth-date-needed", "country-not-served", "guardian-needed", "wrong-code"}
)
"""What is told beside a field; in the field's own words where there are none for it."""

Problems = Mapping[str, str]


def consent_wording(practice: str, words: Words, *, waits: bool = False) -> str:
    """What the client reads beside the box, and what is kept as the wording they agreed to."""
    return str(words.said["details"]["consent_to_wait" if waits else "consent"].format(practice=practice))


def offers_wording(practice: str, words: Words) -> str:
    """Beside the second box: marketing, which no visit may depend on (47 CFR 64.1200(f)(9))."""
    return str(words.said["details"]["offers"].format(practice=practice))


def read(
    form: Mapping[str, str], *, practice: str, locale: str, words: Words, waits: bool = False
) -> tuple[Person | None, Problems]:
    """Either a person or problems by the id of their field; `locale` is the language of their texts.

    Who `waits` agrees to be texted what gets free, too.
    """
    wording = consent_wording(practice, words, waits=waits)
    client: dict[str, Any] = {name: form.get(name, "") for name in ("name", "phone", "zone")} | {"locale": locale}
    if form.get("guardian_name", "").strip() or form.get("guardian_phone", "").strip():
        client["guardian"] = {"name": form.get("guardian_name", ""), "phone": form.get("guardian_phone", "")}
    if form.get("born", "").strip():
        client["born"] = form["born"].strip()
    if "offers" in form:
        wording = f"{wording}\n{offers_wording(practice, words)}"
    consent = {"texts": "texts" in form, "offers": "offers" in form, "wording": wording}
    try:
        body = RequestBody.model_validate({"client": client, "consent": consent, "code": code(form)})
    except ValidationError as error:
        wrong = {FIELDS.get(".".join(map(str, one["loc"])), "name") for one in error.errors()}
        return None, {field: words.said["wrong"][field] for field in ASKED if field in wrong}
    return _person(body, wording), {}


def code(form: Mapping[str, str]) -> str | None:
    """As typed, with the gaps that people leave; None while nobody was asked for one."""
    return re.sub(r"[\s-]", "", form["code"]) if "code" in form else None


def problems(refusal: Refusal, words: Words) -> Problems:
    """Empty if it is not about what was typed."""
    if refusal.slug not in REFUSED:
        return {}
    field = FIELDS.get(str(refusal.extra.get("field")), "phone")
    return {field: words.said["wrong_here"].get(refusal.slug) or words.said["wrong"][field]}


def _person(body: RequestBody, wording: str) -> Person:
    guardian = body.client.guardian
    return Person(
        name=body.client.name,
        phone=body.client.phone,
        locale=body.client.locale,
        zone=body.client.zone,
        texts=body.consent.texts,
        offers=body.consent.offers,
        wording=wording,
        guardian_name=None if guardian is None else guardian.name,
        guardian_phone=None if guardian is None else guardian.phone,
        born=body.client.born,
    )
