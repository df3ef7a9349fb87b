"""The details form: what a client typed, read into a person, or what is wrong with it field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from services.booking.actions.visits import Person
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
WRONG: Final[Mapping[str, str]] = {
    "name": "Please give your name.",
    "phone": "Please give a mobile number that can get texts.",
    "zone": "Please choose a time zone from the list.",
    "born": "Please give the date of birth.",
    "guardian_name": "Please give the name of the parent or guardian.",
    "guardian_phone": "Please give the mobile number of the parent or guardian.",
    "code": "Please give the six digits that we texted.",
}
REFUSED: Final[Mapping[str, str]] = {
    "not-a-mobile-number": "",
    "birth-date-needed": "",
    "country-not-served": "We cannot text numbers of that country. Please give another one, or call us.",
    "guardian-needed": "Who is under 18 on that day needs a parent or guardian: please give their name and number.",
    "wrong-code": "This is not the newest code that we texted to this number, or it is too old.",
}
"""What is told beside a field; the field's own words where there are none."""

Problems = Mapping[str, str]


def consent_wording(practice: str) -> str:
    """What the client reads beside the box, and what is kept as the wording they agreed to."""
    return (
        f"{practice} may text me about this visit: that it is booked, how to prepare, reminders, and a note "
        "afterwards. Message and data rates may apply. I can reply STOP at any time."
    )


def offers_wording(practice: str) -> str:
    """Beside the second box: marketing, which no visit may depend on (47 CFR 64.1200(f)(9))."""
    return (
        f"{practice} may also text me offers of further visits. I do not have to agree to this to book, "
        "and I can reply STOP at any time."
    )


def read(form: Mapping[str, str], *, practice: str, locale: str) -> tuple[Person | None, Problems]:
    """Either a person or problems by the id of their field."""
    wording = consent_wording(practice)
    client: dict[str, Any] = {name: form.get(name, "") for name in ("name", "phone", "zone")} | {"locale": locale}
    if form.get("guardian_name", "").strip() or form.get("guardian_phone", "").strip():
        client["guardian"] = {"name": form.get("guardian_name", ""), "phone": form.get("guardian_phone", "")}
    if form.get("born", "").strip():
        client["born"] = form["born"].strip()
    if "offers" in form:
        wording = f"{wording}\n{offers_wording(practice)}"
    consent = {"texts": "texts" in form, "offers": "offers" in form, "wording": wording}
    try:
        body = RequestBody.model_validate({"client": client, "consent": consent, "code": code(form)})
    except ValidationError as error:
        wrong = [FIELDS.get(".".join(map(str, one["loc"])), "name") for one in error.errors()]
        return None, {field: words for field, words in WRONG.items() if field in wrong}
    return _person(body, wording), {}


def code(form: Mapping[str, str]) -> str | None:
    """As typed, with the gaps that people leave; None while nobody was asked for one."""
    return re.sub(r"[\s-]", "", form["code"]) if "code" in form else None


def problems(refusal: Refusal) -> Problems:
    """Empty if it is not about what was typed."""
    if refusal.slug not in REFUSED:
        return {}
    field = FIELDS.get(str(refusal.extra.get("field")), "phone")
    return {field: REFUSED[refusal.slug] or WRONG[field]}


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
