"""Everything an operator does: run it, look at it, let people in, keep backups."""

from __future__ import annotations

import sys

import cyclopts

from deploy.stillpoint import clients, keys, outbox, parked, practices, texts, users
from deploy.stillpoint.doctor import doctor
from deploy.stillpoint.saying import NOT_KNOWN, NotDone
from services import __main__ as serving
from services.screening.__main__ import evaluate
from shared import VERSION

app = cyclopts.App(name="stillpoint", help=__doc__, version=VERSION)
app.command(serving.serve, name="run")
app.command(doctor)
app.command(practices.app)
app.command(users.app)
app.command(keys.app)
app.command(clients.app)
app.command(parked.app)
app.command(outbox.app)
app.command(texts.app)
screening = cyclopts.App(name="screening", help="Judge cases without keeping anything.")
screening.command(evaluate)
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
