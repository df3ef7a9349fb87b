"""The pages that notify serves to the staff of a practice; handlers call the same actions as the JSON interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.notify.actions.by_hand import ByHand
from services.notify.console.calling import Calling
from services.notify.console.dead import Undelivered
from services.notify.console.rewording import Rewording
from services.notify.console.sending import KeptBack
from services.notify.console.texting import Texting
from services.notify.ports import Practices
from shared.clock import Clock
from shared.console import Console
from shared.httpkit import Route
from shared.page import stylesheet
from shared.staff import Passes

FOLDER: Final = Path(__file__).parent


def routes(hands: ByHand, practices: Practices, *, passes: Passes, origin: str, now: Clock) -> Sequence[Route]:
    console = Console("notify", FOLDER, passes=passes, origin=origin, now=now)
    return [
        Route(method="GET", path="/page/style.css", handler=stylesheet, summary="The stylesheet", answers={200: None}),
        *Calling(hands.calls, hands.inbox, practices, console).routes(),
        *Texting(hands.desk, practices, console).routes(),
        *Rewording(hands.wordings, console).routes(),
        *Undelivered(hands.dead_letters, hands.desk, practices, console, now).routes(),
        *KeptBack(hands.pauses, console).routes(),
    ]
