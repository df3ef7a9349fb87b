"""The vault: field encryption with one data key per owner, each wrapped by a master key of the installation."""

from services.screening.vault.cipher import KeyVault
from services.screening.vault.kmip import KeyServer
from services.screening.vault.masters import MASTER_KEY_BYTES, Master, Masters

__all__ = ["MASTER_KEY_BYTES", "KeyServer", "KeyVault", "Master", "Masters"]
