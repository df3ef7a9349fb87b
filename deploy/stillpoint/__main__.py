"""Everything an operator does: run it, look at it, let people in, keep backups."""

from __future__ import annotations

import sys
from typing import Final

import cyclopts

from deploy.stillpoint.saying import NOT_KNOWN, NotDone
from shared import VERSION

# Loaded when they are asked for: all of them at once would take seconds.
COMMANDS: Final = {
    "run": ("services.__main__:serve", "Serve booking, screening and notify on one port."),
    "doctor": (
        "deploy.stillpoint.doctor:doctor",
        "Look at everything around the services, and say what is to be done.",
    ),
    "practice": ("deploy.stillpoint.practices:app", "Load a practice from a file, or write one to a file."),
    "user": ("deploy.stillpoint.users:app", "Let somebody of a practice sign in, and see who may."),
    "key": ("deploy.stillpoint.keys:app", "Make, list and revoke the API keys of a practice."),
    "client": ("deploy.stillpoint.clients:app", "Find a client, write down all that is held of them, forget them."),
    "parked": (
        "deploy.stillpoint.parked:app",
        "Messages that a service could not make use of: look, have them heard again, drop.",
    ),
    "outbox": ("deploy.stillpoint.outbox:app", "See what is written down and not published."),
    "plan": ("deploy.stillpoint.texts:app", "See what a visit would be texted, and when; nothing is sent."),
}

app = cyclopts.App(name="stillpoint", help=__doc__, version=VERSION)
for name, (place, told) in COMMANDS.items():
    app.command(place, name=name, help=told)
screening = cyclopts.App(name="screening", help="Judge cases without keeping anything.")
screening.command("services.screening.__main__:evaluate", name="evaluate")
app.command(screening)


def main() -> None:
    try:
        app(exit_on_error=False)
    except cyclopts.CycloptsError:
        sys.exit(NOT_KNOWN)
    except NotDone as error:
        print(error, file=sys.stderr)
        sys.exit(error.code)


if __name__ == "__main__":
    main()
