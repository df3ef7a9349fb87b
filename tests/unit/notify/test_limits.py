"""What the sender takes, as the settings say or as the sender itself tells."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from services.notify.actions.posting import HELD_UP
from services.notify.domain.sender import Limits
from services.notify.gateway import WHOLE_POST
from services.notify.settings import LIVE, LONGEST_POST, Settings

NUMBER, SERVICE = "+15005550006", "MG" + "0" * 32
EMULATOR = "http://127.0.0.1:9"


def settings(**changes: Any) -> Settings:
    secret = SecretStr("s" * 32)
    facts: dict[str, Any] = {
        "mongo_url": SecretStr("mongodb://127.0.0.1:9"),
        "rabbit_url": SecretStr("amqp://127.0.0.1:9"),
        "signing_key": secret,
        "operator_key": secret,
        "public_origin": "https://still.example",
        "notify_twilio_url": LIVE,
        "notify_twilio_account_sid": "AC" + "0" * 32,
        "notify_twilio_auth_token": secret,
        "notify_number_key": secret,
        "notify_words_key": secret,
        "notify_twilio_number": NUMBER,
    }
    return Settings(**(facts | changes))


@pytest.mark.parametrize(
    ("changes", "per_second"),
    [
        ({}, 1.0),
        ({"notify_twilio_number": "+18335550106"}, 3.0),
        ({"notify_twilio_messaging_service_sid": SERVICE}, 0.0),
        ({"notify_twilio_url": EMULATOR}, 0.0),
        ({"notify_twilio_url": EMULATOR, "notify_segments_per_second": 2}, 2.0),
        ({"notify_segments_per_second": 0}, 0.0),
        ({"notify_segments_per_second": ""}, 1.0),
    ],
)
def test_the_pace_follows_the_sender_unless_it_is_set(changes: dict[str, Any], per_second: float) -> None:
    assert settings(**changes).limits == Limits(per_second=per_second)


def test_the_day_is_the_accounts() -> None:
    limits = settings(notify_segments_per_day=2000, notify_account_zone="America/New_York").limits

    assert limits == Limits(per_second=1, per_day=2000, zone="America/New_York")
    assert limits.ordinary == 1600


@pytest.mark.parametrize("wrong", [{"notify_account_zone": "Nowhere"}, {"notify_segments_per_second": -1}])
def test_what_cannot_be_is_refused_at_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_where_texts_are_real_nobody_looks_for_a_post_that_may_still_be_alive() -> None:
    longest = LONGEST_POST.total_seconds()
    assert WHOLE_POST.total is not None
    assert longest == HELD_UP.total_seconds() + WHOLE_POST.total

    for name in ("notify_lease_seconds", "notify_first_look_seconds"):
        assert getattr(settings(**{name: longest}), name) == longest
        assert getattr(settings(notify_twilio_url=EMULATOR, **{name: 21}), name) == 21
        with pytest.raises(ValidationError, match="35 or more"):
            settings(**{name: longest - 0.1})
    with pytest.raises(ValidationError, match="must be more than"):
        settings(notify_first_look_seconds=60, notify_second_look_seconds=60)


def test_the_sender_is_the_service_where_there_is_one() -> None:
    assert settings().sender == NUMBER
    assert settings(notify_twilio_messaging_service_sid=SERVICE).sender == SERVICE
