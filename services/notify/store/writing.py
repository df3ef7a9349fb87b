"""What several stores of notify write alike."""

from __future__ import annotations

from typing import Final

# That an upsert's insert was refused proves only that the document exists by now, not that it is newer or has it all.
TWICE: Final = (True, False)
