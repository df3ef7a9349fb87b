"""The envelope is CloudEvents 1.0, and the registry holds what the catalogue says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from shared.events import UnknownEvent, decode, envelope, registry
from shared.events.notify import ReplyConfirmed

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SAID = envelope(
    ReplyConfirmed(appointment="a1", received_at=NOW), subject="a1", practice="stillwater", sequence=3, at=NOW
)


def test_what_is_said_is_what_is_heard() -> None:
    assert decode(SAID.type, SAID.to_json()) == SAID


def test_the_same_fact_has_the_same_id_however_often_it_is_said() -> None:
    assert SAID.id == "a1:3:reply.confirmed"


def test_a_field_of_a_newer_minor_version_is_ignored() -> None:
    newer = SAID.to_json().replace(b'"data":{', b'"brandnew":1,"data":{"newfield":true,')

    assert decode(SAID.type, newer) == SAID


def test_an_unknown_name_is_said_to_be_unknown() -> None:
    with pytest.raises(UnknownEvent):
        decode("notify.reply.confirmed.v9", SAID.to_json())


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 20_000, b"{}", b"null", b'{"data": 1}'])
def test_a_body_that_does_not_fit_raises_one_kind_of_error(body: bytes) -> None:
    with pytest.raises(ValidationError):
        decode(SAID.type, body)


def test_every_name_is_service_aggregate_fact_and_version() -> None:
    for name, kind in registry().items():
        service, aggregate, fact, version = name.split(".")
        assert kind.__module__ == f"shared.events.{service}"
        assert aggregate.isalpha()
        assert fact.replace("_", "").isalpha()
        assert version == "v1"
