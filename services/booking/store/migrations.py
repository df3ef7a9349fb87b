"""The numbered steps that bring booking's database to the shape that this release knows; the newest last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.migrations import Migration

STEPS: Final[Sequence[Migration]] = ()
"""None since 0.1.0, the first shape. CONTRIBUTING.md says how to add one."""
