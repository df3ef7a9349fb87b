"""`stillpoint practice`: the practices of this installation, as files."""

from __future__ import annotations

import cyclopts

from services.booking.__main__ import export_practice, import_practice

app = cyclopts.App(name="practice", help="Load a practice from a file, or write one to a file.")
app.command(import_practice, name="import")
app.command(export_practice, name="export")
