"""The settings of screening."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from services.screening.vault import KeyServer, Masters
from services.screening.vault.material import key_in, key_of, tls_of
from shared.settings import Settings as Shared
from shared.settings import split

ENDPOINT = r"^([A-Za-z0-9._-]+:[0-9]{1,5})?$"
WAYS = ("screening_master_key", "screening_master_key_file", "screening_kmip_key_id")


class KeyServerSettings(BaseSettings):
    """How to reach a key server."""

    model_config = Shared.model_config

    screening_kmip_endpoint: str = Field("", description="host:port of a KMIP server", pattern=ENDPOINT)
    screening_kmip_ca_file: Path | None = Field(
        None, description="File with the certificates of the authority that the KMIP server's must be signed by"
    )
    screening_kmip_cert_file: Path | None = Field(
        None, description="File with our certificate for the KMIP server and its private key; closed to others (secret)"
    )

    @model_validator(mode="after")
    def _can_reach_the_key_server(self) -> Self:
        _ = self.server
        return self

    @property
    def server(self) -> KeyServer | None:
        shown, believed = self.screening_kmip_cert_file, self.screening_kmip_ca_file
        if not self.screening_kmip_endpoint:
            return None
        if shown is None or believed is None:
            raise ValueError(
                f"a KMIP server needs {_listed(['screening_kmip_ca_file', 'screening_kmip_cert_file'])} too"
            )
        return KeyServer(endpoint=self.screening_kmip_endpoint, tls=tls_of(shown, believed))


class VaultSettings(KeyServerSettings):
    """All that is needed to reach the vault and what wraps its keys."""

    mongo_url: SecretStr = Field(description="MongoDB connection URL, with credentials if the server asks for them")
    screening_vault_database: str = Field(
        "stillpoint_vault",
        description="Name of the MongoDB database that holds the wrapped data keys and the heads of the audit",
    )
    screening_master_key: SecretStr | None = Field(
        None,
        description="Master key over the data keys: 96 random bytes in base64. Lost, every stored answer is lost. "
        "This one, or a file, or a KMIP server",
    )
    screening_master_key_file: Path | None = Field(
        None, description="File with the master key in base64; closed to others, or a mounted secret"
    )
    screening_kmip_key_id: str = Field(
        "", description="Id of the master key at the KMIP server; `screening keys register` makes one"
    )
    screening_earlier_master_keys: SecretStr | None = Field(
        None, description="Master keys that still open what they wrapped, with commas between; gone after `keys rewrap`"
    )
    screening_earlier_master_key_files: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(split)] = Field(
        (), description="The same as files, with commas between"
    )

    @field_validator("screening_master_key")
    @classmethod
    def _is_a_master_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value:
            key_of(value.get_secret_value())
        return value

    @field_validator("screening_earlier_master_keys")
    @classmethod
    def _are_master_keys(cls, value: SecretStr | None) -> SecretStr | None:
        _keys(value)
        return value

    @field_validator("screening_master_key_file")
    @classmethod
    def _holds_a_master_key(cls, value: Path | None) -> Path | None:
        if value is not None:
            key_in(value)
        return value

    @field_validator("screening_earlier_master_key_files")
    @classmethod
    def _hold_master_keys(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        for file in value:
            key_in(file)
        return value

    @model_validator(mode="after")
    def _has_one_master_key(self) -> Self:
        given = [name for name in WAYS if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"exactly one of {_listed(WAYS)} is to be set, not {_listed(given) or 'none'}")
        if self.screening_kmip_key_id and not self.screening_kmip_endpoint:
            raise ValueError(f"{_listed(WAYS[2:])} is nothing without STILLPOINT_SCREENING_KMIP_ENDPOINT")
        return self

    @property
    def masters(self) -> Masters:
        """The one that wraps from now on, and what opens earlier keys; a KMIP server without a key id is for those."""
        files = (key_in(file) for file in self.screening_earlier_master_key_files)
        earlier = (*_keys(self.screening_earlier_master_keys), *files)
        if self.server is not None and self.screening_kmip_key_id:
            return Masters.at_server(self.server, self.screening_kmip_key_id, *earlier)
        file = self.screening_master_key_file
        current = key_in(file) if file is not None else _keys(self.screening_master_key)[0]
        return Masters.at_hand(current, *earlier, server=self.server)


class Settings(Shared, VaultSettings):
    screening_database: str = Field("stillpoint_screening", description="Name of screening's MongoDB database")
    screening_key_seconds: float = Field(
        60.0, description="Seconds that a data key stays in memory, and outlives its deletion at most", gt=0
    )
    screening_keep_unanswered_days: int = Field(
        7, description="Days that a health check is kept which nobody filled in, or asked no visit for", ge=1
    )
    screening_keep_unvisited_days: int = Field(
        90, description="Days that a filled in health check is kept whose visit did not take place", ge=1
    )
    screening_keep_visited_years: int = Field(
        7, description="Years that a health check is kept after the client's last visit, or their coming of age", ge=1
    )
    screening_keep_audit_years: int = Field(7, description="Years that an entry of the audit is kept", ge=1)
    screening_retention_seconds: float = Field(
        3600.0, description="Seconds between two looks for what has been kept for long enough", gt=0
    )


class RegisterSettings(KeyServerSettings):
    """All that is needed to have a key server make a master key."""

    screening_kmip_endpoint: str = Field(description="host:port of a KMIP server", pattern=ENDPOINT, min_length=1)


def _keys(listed: SecretStr | None) -> tuple[bytes, ...]:
    return tuple(key_of(key) for key in listed.get_secret_value().split(",")) if listed else ()


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"STILLPOINT_{name.upper()}" for name in names)
