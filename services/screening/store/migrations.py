"""The numbered steps that bring screening's database to the shape that this release knows; the newest last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.migrations import Migration

STEPS: Final[Sequence[Migration]] = ()
"""None since 0.1.0, the first shape. CONTRIBUTING.md says how to add one."""
VAULT_STEPS: Final[Sequence[Migration]] = ()
"""The same of the key vault's database."""
