"""The script of the health check, which turns its groups in one page, and where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shared.assets import Asset

SCRIPT: Final = Asset.read(Path(__file__).parent / "static" / "check.js")
PATH: Final = "/page/check.js"
ADDRESS: Final = f"/screening{PATH}?v={SCRIPT.version}"
