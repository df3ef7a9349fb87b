"""The details form: what a client typed, read into a person, or what is wrong with it field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from services.booking.actions.visits import Person
from services.booking.phone import NotAMobileNumber
from services.booking.routes.payloads import RequestBody

FIELDS: Final[Mapping[str, str]] = {
    "client.name": "name",
    "client.phone": "phone",
    "client.zone": "zone",
    "client.guardian.name": "guardian_name",
    "client.guardian.phone": "guardian_phone",
}
WRONG: Final[Mapping[str, str]] = {
    "name": "Please give your name.",
    "phone": "Please give a mobile number that can get texts.",
    "zone": "Please choose a time zone from the list.",
    "guardian_name": "Please give the name of the parent or guardian.",
    "guardian_phone": "Please give the mobile number of the parent or guardian.",
}

Problems = Mapping[str, str]


def consent_wording(practice: str) -> str:
    """What the client reads beside the box, and what is kept as the wording they agreed to."""
    return (
        f"{practice} may text me about this visit: that it is booked, how to prepare, reminders, and a note "
        "afterwards. Message and data rates may apply. I can reply STOP at any time."
    )


def read(form: Mapping[str, str], *, practice: str, locale: str) -> tuple[Person | None, Problems]:
    """Either a person or problems by the id of their field."""
    wording = consent_wording(practice)
    client: dict[str, Any] = {name: form.get(name, "") for name in ("name", "phone", "zone")} | {"locale": locale}
    if form.get("guardian_name", "").strip() or form.get("guardian_phone", "").strip():
        client["guardian"] = {"name": form.get("guardian_name", ""), "phone": form.get("guardian_phone", "")}
    try:
        body = RequestBody.model_validate({"client": client, "consent": {"texts": "texts" in form, "wording": wording}})
    except ValidationError as error:
        wrong = [FIELDS.get(".".join(map(str, one["loc"])), "name") for one in error.errors()]
        return None, {field: words for field, words in WRONG.items() if field in wrong}
    return _person(body, wording), {}


def not_mobile(refusal: NotAMobileNumber) -> Problems:
    field = FIELDS.get(str(refusal.extra.get("field")), "phone")
    return {field: WRONG[field]}


def _person(body: RequestBody, wording: str) -> Person:
    guardian = body.client.guardian
    return Person(
        name=body.client.name,
        phone=body.client.phone,
        locale=body.client.locale,
        zone=body.client.zone,
        texts=body.consent.texts,
        wording=wording,
        guardian_name=None if guardian is None else guardian.name,
        guardian_phone=None if guardian is None else guardian.phone,
    )
