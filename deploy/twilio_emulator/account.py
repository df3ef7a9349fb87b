"""Whose account the emulator plays: credentials, sender, where inbound texts go, and how fast the carrier is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

API_VERSION = "2010-04-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account with one number; `service` is its Messaging Service, if it has one.

    `step` is the time between two statuses of a text. `data` is the folder that keeps the texts over a restart.
    Where the service's public origin cannot be reached from here (inside containers), webhooks for `public_origin`
    are signed for it but posted to `reached_at`.
    """

    sid: str
    auth_token: str
    number: str
    service: str | None = None
    inbound_url: str | None = None
    advanced_opt_out: bool = False
    step: timedelta = timedelta(milliseconds=50)
    data: Path | None = None
    public_origin: str | None = None
    reached_at: str | None = None

    @property
    def base(self) -> str:
        return f"/{API_VERSION}/Accounts/{self.sid}"

    def address_of(self, url: str) -> str:
        """Where a webhook for this URL is really posted to."""
        if self.public_origin and self.reached_at and url.startswith(f"{self.public_origin}/"):
            return self.reached_at + url.removeprefix(self.public_origin)
        return url
