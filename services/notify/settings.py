"""The settings of notify."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, field_validator, model_validator

from services.notify.actions.posting import HELD_UP, Habits
from services.notify.domain.leave import Leave
from services.notify.domain.sender import Limits
from services.notify.domain.turns import Pace
from shared.settings import Settings as Shared

LIVE = "https://api.twilio.com"
E164 = r"^\+[1-9]\d{6,14}$"
# What Twilio lets leave by one number: https://www.twilio.com/docs/messaging/guides/scaling-queueing-latency
LONG_CODE_A_SECOND, TOLL_FREE_A_SECOND = 1.0, 3.0
# A POST may wait so long for its place, and then take its 15 seconds.
LONGEST_POST = HELD_UP + timedelta(seconds=15)
TOLL_FREE = re.compile(r"^\+18(?:00|33|44|55|66|77|88)")


class Settings(Shared):
    notify_database: str = Field("stillpoint_notify", description="Name of notify's MongoDB database")
    notify_twilio_url: str = Field(
        description=f"{LIVE} to text for real; the origin of an emulator on a private address to text nobody"
    )
    notify_twilio_account_sid: str = Field(description="SID of the Twilio account", pattern=r"^AC[0-9a-f]{32}$")
    notify_twilio_auth_token: SecretStr = Field(
        description="Primary auth token of the Twilio account; it sends the texts and verifies the webhooks",
        min_length=1,
    )
    notify_twilio_other_auth_token: SecretStr = Field(
        SecretStr(""), description="The other auth token of the account, while the two change places; it only verifies"
    )
    notify_number_key: SecretStr = Field(
        description="Key that hides the numbers of those who said STOP; 32 characters up. Lost, they are texted again",
        min_length=32,
    )
    notify_words_key: SecretStr = Field(
        description="Key that seals what clients text in their own words; 32 characters up. Lost, nobody reads them",
        min_length=32,
    )
    notify_twilio_number: str | None = Field(
        None, description="Number that texts come from, in E.164; or name a Messaging Service instead", pattern=E164
    )
    notify_twilio_messaging_service_sid: str | None = Field(
        None, description="SID of the Messaging Service that texts come from", pattern=r"^MG[0-9a-f]{32}$"
    )
    notify_twilio_answers_keywords: bool = Field(
        True, description="Twilio itself answers STOP, START and HELP, as it does unless opt-out handling is off"
    )
    notify_link_origin: str | None = Field(
        None,
        description="Origin of the links in texts if it is not the public origin; 15 characters or fewer are best",
        pattern=r"^https?://[^/]+$",
    )
    notify_tick_seconds: float = Field(
        1.0, description="Seconds between two looks for texts that are due, unless the next one is due sooner", gt=0
    )
    notify_at_once: int = Field(10, description="Texts that are posted to Twilio at the same time", ge=1, le=100)
    notify_segments_per_second: float | None = Field(
        None,
        description="Segments a second that the sender takes, 0 for no limit; left out, it follows the sender",
        ge=0,
    )
    notify_segments_per_day: int = Field(0, description="Segments a day that the sender may cost, 0 for no limit", ge=0)
    notify_account_zone: str = Field("UTC", description="Zone by which the day of these segments goes")
    notify_dry_run: bool = Field(False, description="Plan, judge and write every text, and post none")
    notify_only_to: str = Field(
        "", description="Numbers in E.164, with commas: only these are texted; empty: everybody"
    )
    notify_lease_seconds: float = Field(
        60.0, description="Seconds that a worker has for a text it took; 35 or more where texts are real", gt=20
    )
    notify_first_look_seconds: float = Field(
        60.0, description="Seconds after a POST of unknown outcome until Twilio is asked whether it arrived", gt=0
    )
    notify_second_look_seconds: float = Field(
        300.0,
        description="Seconds after such a POST until Twilio is asked for the last time, and the text sent again",
        gt=0,
    )

    notify_chase_seconds: float = Field(
        600.0,
        description="Seconds until Twilio is asked about a text whose receipts did not come; then 6 and 36 times that",
        gt=0,
    )

    @property
    def auth_tokens(self) -> tuple[SecretStr, ...]:
        other = self.notify_twilio_other_auth_token
        return (self.notify_twilio_auth_token, *([other] if other.get_secret_value() else []))

    @property
    def number_key(self) -> bytes:
        return self.notify_number_key.get_secret_value().encode()

    @property
    def words_key(self) -> bytes:
        return self.notify_words_key.get_secret_value().encode()

    @field_validator("notify_twilio_url")
    @classmethod
    def _is_twilio_or_private(cls, url: str) -> str:
        """Texts for real only on purpose, and never by way of a stranger."""
        parts = urlsplit(url)
        if url.rstrip("/") == LIVE or (
            parts.scheme == "http" and not parts.path.strip("/") and _private(parts.hostname)
        ):
            return url.rstrip("/")
        raise ValueError(f"must be {LIVE}, or http:// and a loopback or private address or a name without a dot")

    @field_validator("notify_only_to")
    @classmethod
    def _are_numbers(cls, numbers: str) -> str:
        if any(not re.fullmatch(E164, number) for number in _listed(numbers)):
            raise ValueError("must be numbers in E.164 with commas between them")
        return numbers

    @field_validator("notify_account_zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("not an IANA zone")
        return zone

    @field_validator(
        "notify_twilio_number",
        "notify_twilio_messaging_service_sid",
        "notify_link_origin",
        "notify_segments_per_second",
        mode="before",
    )
    @classmethod
    def _left_empty(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _has_a_sender(self) -> Self:
        if self.notify_twilio_number is None and self.notify_twilio_messaging_service_sid is None:
            raise ValueError("name notify_twilio_number or notify_twilio_messaging_service_sid")
        return self

    @model_validator(mode="after")
    def _outlasts_a_post(self) -> Self:
        """Where texts are real, nobody takes one up or looks for it while its POST may still be alive."""
        waits = (self.notify_lease_seconds, self.notify_first_look_seconds)
        if self.is_live and min(waits) < LONGEST_POST.total_seconds():
            least = int(LONGEST_POST.total_seconds())
            raise ValueError(f"notify_lease_seconds and notify_first_look_seconds must be {least} or more at {LIVE}")
        if self.notify_second_look_seconds <= self.notify_first_look_seconds:
            raise ValueError("notify_second_look_seconds must be more than notify_first_look_seconds")
        return self

    @property
    def link_origin(self) -> str:
        return self.notify_link_origin or self.public_origin

    @property
    def sender(self) -> str:
        return self.notify_twilio_messaging_service_sid or self.notify_twilio_number or ""

    @property
    def is_live(self) -> bool:
        return self.notify_twilio_url == LIVE

    @property
    def leave(self) -> Leave:
        only_to = frozenset(_listed(self.notify_only_to))
        return Leave(dry_run=self.notify_dry_run, only_to=only_to or None)

    @property
    def limits(self) -> Limits:
        given = self.notify_segments_per_second
        per_second = self._usual_per_second if given is None else given
        return Limits(per_second=per_second, per_day=self.notify_segments_per_day, zone=self.notify_account_zone)

    @property
    def _usual_per_second(self) -> float:
        """An emulator takes whatever comes, and a service spreads texts over its numbers; a number is a slow one."""
        if self.notify_twilio_url != LIVE or self.notify_twilio_messaging_service_sid:
            return 0.0
        return TOLL_FREE_A_SECOND if TOLL_FREE.match(self.notify_twilio_number or "") else LONG_CODE_A_SECOND

    @property
    def habits(self) -> Habits:
        return Habits(
            at_once=self.notify_at_once,
            lease=timedelta(seconds=self.notify_lease_seconds),
            pace=Pace(
                first_look=timedelta(seconds=self.notify_first_look_seconds),
                second_look=timedelta(seconds=self.notify_second_look_seconds),
                chase=timedelta(seconds=self.notify_chase_seconds),
            ),
        )


def _listed(numbers: str) -> list[str]:
    return [number.strip() for number in numbers.split(",") if number.strip()]


def _private(host: str | None) -> bool:
    if not host:
        return False
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host
