"""The settings of screening."""

from __future__ import annotations

import base64
import binascii

from pydantic import Field, SecretStr, field_validator

from shared.settings import Settings as Shared


class Settings(Shared):
    screening_database: str = Field("stillpoint_screening", description="Name of screening's MongoDB database")
    screening_vault_database: str = Field(
        "stillpoint_vault", description="Name of the MongoDB database that holds nothing but the wrapped keys of cases"
    )
    screening_master_key: SecretStr = Field(
        description="Key that wraps the keys of cases: 96 random bytes in base64. Lost, every stored answer is lost"
    )
    screening_key_seconds: float = Field(
        60.0, description="Seconds that the key of a case stays in memory, and outlives its deletion at most", gt=0
    )

    @field_validator("screening_master_key")
    @classmethod
    def _is_a_master_key(cls, value: SecretStr) -> SecretStr:
        try:
            key = base64.b64decode(value.get_secret_value(), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 96:
            raise ValueError("must be 96 bytes in base64; make one with: openssl rand -base64 96 | tr -d '\\n'")
        return value

    @property
    def master_key(self) -> bytes:
        return base64.b64decode(self.screening_master_key.get_secret_value())
