"""The settings every service reads from its environment, or from files named like them in /run/secrets."""

from __future__ import annotations

import sys
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SECRETS = Path("/run/secrets")
ORIGIN = r"^https?://[^/]+$"
SHORTEST_KEY = 32
LEVEL = "^(DEBUG|INFO|WARNING|ERROR)$"

Network = IPv4Network | IPv6Network


def split(listed: Any) -> Any:
    return [one.strip() for one in listed.split(",") if one.strip()] if isinstance(listed, str) else listed


class Settings(BaseSettings):
    """Variables are `STILLPOINT_<FIELD>`; a service adds fields of its own, prefixed with its name."""

    model_config = SettingsConfigDict(
        env_prefix="stillpoint_",
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    mongo_url: SecretStr = Field(description="MongoDB connection URL, with credentials if the server asks for them")
    rabbit_url: SecretStr = Field(description="AMQP URL of the broker, ending in the virtual host")
    signing_key: SecretStr = Field(
        description="Key that all services sign tokens with; 32 characters up", min_length=32
    )
    earlier_signing_keys: SecretStr = Field(
        SecretStr(""), description="Keys that are believed besides, with commas between: while the signing key changes"
    )
    operator_key: SecretStr = Field(description="Bearer key of the operator API; 32 characters or more", min_length=32)
    public_origin: str = Field(description="Where clients and Twilio reach us, no slash at the end", pattern=ORIGIN)
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8080, description="TCP port to listen on; 0 takes a free one", ge=0, le=65535)
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(split)] = Field(
        (), description="Networks of the proxies whose word counts for where a request comes from, with commas between"
    )
    log_level: str = Field("INFO", description="Least severe level that is logged", pattern=LEVEL)
    otlp_endpoint: str | None = Field(
        None, description="Where traces go, over OTLP/HTTP: http://collector:4318; empty for nowhere"
    )
    sweep_seconds: float = Field(1.0, description="Seconds between sweeps for events left unpublished", gt=0)
    shutdown_seconds: float = Field(20.0, description="Seconds that requests in hand get to finish on shutdown", gt=0)

    @property
    def signing_keys(self) -> tuple[str, ...]:
        """The one that signs, then those that are only believed."""
        earlier = split(self.earlier_signing_keys.get_secret_value())
        return (self.signing_key.get_secret_value(), *earlier)

    @field_validator("earlier_signing_keys")
    @classmethod
    def _are_long_enough(cls, keys: SecretStr) -> SecretStr:
        if any(len(key) < SHORTEST_KEY for key in split(keys.get_secret_value())):
            raise ValueError("each of these keys has 32 characters or more")
        return keys


Kind = TypeVar("Kind", bound=BaseSettings)


def read(kind: type[Kind]) -> Kind:
    """The settings; ends the program with one sentence that names every variable that is missing or wrong."""
    try:
        return kind()
    except ValidationError as error:
        wrong = [(f"STILLPOINT_{str(e['loc'][0]).upper()}: " if e["loc"] else "") + e["msg"] for e in error.errors()]
        sys.exit(f"{'; '.join(wrong)}. deploy/env.example explains every variable.")
