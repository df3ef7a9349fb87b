"""The settings of booking."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from limits import RateLimitItem, parse_many
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from services.booking.actions.limits import Allowed
from services.booking.counters import IN_MEMORY
from services.booking.domain.policy import Policy
from shared.settings import Settings as Shared


def _rates(text: str) -> list[RateLimitItem]:
    return parse_many(text) if text.strip() else []


def _readable(text: str) -> str:
    _rates(text)
    return text


def _counter(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith((IN_MEMORY, "async+mongodb://", "async+mongodb+srv://")):
        raise ValueError("neither async+memory:// nor async+mongodb://...")
    return url


Rates = Annotated[str, AfterValidator(_readable)]
"""Such as "30/10 minutes; 200/day"; empty for no limit."""


class Settings(Shared):
    booking_database: str = Field("stillpoint_booking", description="Name of booking's MongoDB database")
    booking_hold_minutes: int = Field(
        10, description="Minutes that a picked time stays held for whoever picked it", ge=1, le=120
    )
    booking_answer_minutes: int = Field(
        30, description="Minutes that a requested time waits for the health check to be filled in", ge=1, le=1440
    )
    booking_tick_seconds: float = Field(
        5.0, description="Seconds between two looks for holds to end, requests to lapse and visits to close", gt=0
    )
    booking_grace_seconds: float = Field(
        120.0,
        description="Seconds after an outage or a start in which nothing lapses, while what piled up is read",
        ge=0,
    )
    booking_token_days: int = Field(
        30, description="Days after a visit until the token of its link stops working", ge=1, le=3650
    )

    booking_limits_url: Annotated[SecretStr, AfterValidator(_counter)] = Field(
        SecretStr(IN_MEMORY),
        description="Where requests are counted: in each process, or in MongoDB for all replicas (async+mongodb://...)",
    )
    booking_limit_holds_by_address: Rates = Field("30/10 minutes", description="Times that one address may hold")
    booking_limit_holds_at_practice: Rates = Field("600/10 minutes", description="Times that may be held at a practice")
    booking_limit_requests_by_address: Rates = Field(
        "30/10 minutes", description="Requests, and codes for them, from one address"
    )
    booking_limit_requests_at_practice: Rates = Field(
        "600/10 minutes", description="Requests, and codes for them, at a practice"
    )
    booking_limit_requests_by_number: Rates = Field("10/day", description="Requests for one mobile number")
    booking_most_coming: int = Field(
        20, description="Visits that may lie before one mobile number at a practice, 0 for any number", ge=0
    )

    @property
    def allowed(self) -> Allowed:
        return Allowed(
            holds_by_address=_rates(self.booking_limit_holds_by_address),
            holds_at_practice=_rates(self.booking_limit_holds_at_practice),
            requests_by_address=_rates(self.booking_limit_requests_by_address),
            requests_at_practice=_rates(self.booking_limit_requests_at_practice),
            requests_by_number=_rates(self.booking_limit_requests_by_number),
            coming=self.booking_most_coming,
        )

    booking_webhook_tick_seconds: float = Field(
        1.0, description="Seconds between two looks for what the webhooks of practices are owed", gt=0
    )
    booking_outward_private: bool = Field(
        False,
        description="For development: webhooks and calendars may lead to private addresses and use plain HTTP: True or "
        "False",
    )
    booking_calendar_minutes: float = Field(
        10.0, description="Minutes between two readings of a practitioner's outside calendar", gt=0, le=1440
    )
    booking_calendar_stale_hours: float = Field(
        6.0, description="Hours after which an outside calendar that cannot be read is told to be stale", gt=0, le=720
    )

    booking_demo_phone: str = Field(
        "", description="For demos: address of the page that shows the texts, linked where a practice has begun"
    )

    @property
    def grace(self) -> timedelta:
        return timedelta(seconds=self.booking_grace_seconds)

    @property
    def policy(self) -> Policy:
        return Policy(
            hold_for=timedelta(minutes=self.booking_hold_minutes),
            answers_within=timedelta(minutes=self.booking_answer_minutes),
            calendars_count_for=timedelta(hours=self.booking_calendar_stale_hours),
        )

    @property
    def calendars_every(self) -> timedelta:
        return timedelta(minutes=self.booking_calendar_minutes)


class ImportSettings(BaseSettings):
    """What `import` and `export` need: they go through the operator API like any other program."""

    model_config = Shared.model_config

    operator_key: SecretStr = Field(description="Bearer key of the operator API; 32 characters or more")
    public_origin: str = Field("http://127.0.0.1:8080", description="Origin under which booking is reached")
