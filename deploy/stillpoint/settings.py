"""What the command line reads from its environment or from /run/secrets; each command asks for what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from shared.settings import ORIGIN, Settings

SERVICES: Final = ("booking", "screening", "notify")


def inside(services_url: str | None, service: str) -> str | None:
    return services_url and services_url.replace("{service}", service).rstrip("/")


class ApiSettings(BaseSettings):
    """To ask the running services."""

    model_config = Settings.model_config

    public_origin: str = Field(description="Where the services answer", pattern=ORIGIN)
    operator_key: SecretStr = Field(description="Bearer key of the operator API", min_length=32)
    services_url: str | None = Field(
        None, description="Where the command line finds a service whose name it puts for {service}; else the origin"
    )

    def at(self, service: str) -> str:
        """Where that service answers, no slash at the end."""
        return inside(self.services_url, service) or self.public_origin


class BrokerSettings(BaseSettings):
    """To look at what lies on the broker."""

    model_config = Settings.model_config

    rabbit_url: SecretStr = Field(description="AMQP URL of the broker, ending in the virtual host")


class DatabaseSettings(BaseSettings):
    """To look at the databases of all three services; one URL may open them all."""

    model_config = Settings.model_config

    mongo_url: SecretStr | None = Field(None, description="MongoDB URL for the services that have none of their own")
    booking_mongo_url: SecretStr | None = Field(None, description="MongoDB URL of booking, for the command line")
    screening_mongo_url: SecretStr | None = Field(None, description="MongoDB URL of screening, for the command line")
    notify_mongo_url: SecretStr | None = Field(None, description="MongoDB URL of notify, for the command line")
    booking_database: str = Field("stillpoint_booking", description="Name of booking's MongoDB database")
    screening_database: str = Field("stillpoint_screening", description="Name of screening's MongoDB database")
    screening_vault_database: str = Field("stillpoint_vault", description="Name of the vault's MongoDB database")
    notify_database: str = Field("stillpoint_notify", description="Name of notify's MongoDB database")

    def urls(self) -> Mapping[str, SecretStr | None]:
        own = (self.booking_mongo_url, self.screening_mongo_url, self.notify_mongo_url)
        return {service: url or self.mongo_url for service, url in zip(SERVICES, own, strict=True)}

    def databases(self) -> Mapping[str, str]:
        names = (self.booking_database, self.screening_database, self.notify_database)
        return dict(zip(SERVICES, names, strict=True))
