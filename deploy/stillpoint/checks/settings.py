"""Are the settings there, and are the secrets such that nobody guesses them?"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Iterator
from typing import Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from deploy.stillpoint.checks.finding import Finding, bad, good, look
from shared.settings import Settings

LONG_ENOUGH: Final = 32
MASTER_KEY_BYTES: Final = 96
VARIED: Final = 10
PLACE: Final = "deploy/secrets.sh makes it; without containers deploy/env.example says what it is"
KEYS: Final = ("signing_key", "operator_key", "notify_number_key", "notify_words_key")


class Known(BaseSettings):
    """All that the doctor may know; whatever is missing is a finding and keeps nothing else from being looked at."""

    model_config = Settings.model_config

    public_origin: str | None = Field(None, description="Where clients and Twilio reach us")
    services_url: str | None = Field(None, description="Where this command line finds the services")
    operator_key: SecretStr | None = Field(None, description="Bearer key of the operator API")
    signing_key: SecretStr | None = Field(None, description="Key that all services sign tokens with")
    rabbit_url: SecretStr | None = Field(None, description="AMQP URL of the broker")
    notify_number_key: SecretStr | None = Field(None, description="Key that hides the numbers of those who said STOP")
    notify_words_key: SecretStr | None = Field(None, description="Key that seals what clients text in their own words")
    screening_master_key: SecretStr | None = Field(None, description="Master key of the vault, in base64")
    screening_master_key_file: str | None = Field(None, description="File of the master key")
    screening_kmip_endpoint: str | None = Field(None, description="Server that keeps the master key")
    notify_twilio_url: str | None = Field(None, description="Origin of Twilio's API")
    notify_twilio_account_sid: str | None = Field(None, description="SID of the Twilio account")
    notify_twilio_auth_token: SecretStr | None = Field(None, description="Auth token of the Twilio account")
    notify_twilio_number: str | None = Field(None, description="Number that texts come from")
    notify_twilio_messaging_service_sid: str | None = Field(None, description="Messaging Service that texts come from")


def settings(known: Known) -> Iterator[Finding]:
    """Never tells a secret or how long it is."""
    found = {name: secret.get_secret_value() for name in KEYS if (secret := getattr(known, name)) is not None}
    for name in KEYS:
        variable = f"STILLPOINT_{name.upper()}"
        if name not in found:
            yield bad("secrets", f"{variable} is missing", PLACE)
        elif len(found[name]) < LONG_ENOUGH or len(set(found[name])) < VARIED:
            yield bad("secrets", f"{variable} can be guessed", "make a random one: openssl rand -hex 32")
        else:
            yield good("secrets", f"{variable} is there")
    twice = [value for value, count in Counter(found.values()).items() if count > 1]
    if twice:
        names = ", ".join(sorted(f"STILLPOINT_{name.upper()}" for name, value in found.items() if value in twice))
        yield bad("secrets", f"{names} are the same", "each key is for one thing: make one of its own for each")
    yield _master_key(known)


def _master_key(known: Known) -> Finding:
    if known.screening_kmip_endpoint:
        return good("secrets", "the master key of the health answers lies on a key server")
    if known.screening_master_key_file:
        return good("secrets", "the master key of the health answers lies in a file; screening itself judges its mode")
    if known.screening_master_key is None:
        return bad("secrets", "STILLPOINT_SCREENING_MASTER_KEY is missing", PLACE)
    try:
        key = base64.b64decode(known.screening_master_key.get_secret_value(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != MASTER_KEY_BYTES or len(set(key)) < VARIED:
        return bad("secrets", "STILLPOINT_SCREENING_MASTER_KEY is not 96 random bytes in base64", PLACE)
    return look(
        "secrets",
        "the master key of the health answers is there",
        "keep a copy of it away from this machine and from the backups: without it no answer can be read again",
    )
