"""The settings of booking."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from services.booking.domain.policy import Policy
from shared.settings import Settings as Shared


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

    @property
    def grace(self) -> timedelta:
        return timedelta(seconds=self.booking_grace_seconds)

    @property
    def policy(self) -> Policy:
        return Policy(
            hold_for=timedelta(minutes=self.booking_hold_minutes),
            answers_within=timedelta(minutes=self.booking_answer_minutes),
        )


class ImportSettings(BaseSettings):
    """What `import` needs: it goes through the operator API like any other program."""

    model_config = Shared.model_config

    operator_key: SecretStr = Field(description="Bearer key of the operator API; 32 characters or more")
    public_origin: str = Field("http://127.0.0.1:8080", description="Origin under which booking is reached")
