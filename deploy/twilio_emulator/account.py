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
    """

    sid: str
    auth_token: str
    number: str
    service: str | None = None
    inbound_url: str | None = None
    advanced_opt_out: bool = False
    step: timedelta = timedelta(milliseconds=50)
    data: Path | None = None

    @property
    def base(self) -> str:
        return f"/{API_VERSION}/Accounts/{self.sid}"
