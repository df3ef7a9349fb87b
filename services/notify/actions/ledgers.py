"""What a number agreed to and when, and where our ledger and the provider's differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.notify.domain.consent import Entry, Purpose, Word, agrees, stopped
from services.notify.domain.delivery import Message
from services.notify.domain.reply import ANSWER_STEPS
from services.notify.ports import Stores
from shared.clock import Clock

# So a refusal begins, and goes on with the code; what was held back here has the bare word.
REFUSED: Final = "opted_out:"
# A report looks at so many texts at most, the newest of the span.
MOST: Final = 2_000
PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Consents:
    """What one number said, in order of time, and what follows from it for each purpose."""

    entries: Sequence[Entry]
    stopped: bool
    agrees: Mapping[Purpose, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Of the texts since then: those refused by a stop that we did not know, and those accepted in spite of one.

    `words` counts stops and starts by source, each number once a word. `whole` is False if there were more texts than
    were looked at.
    """

    since: datetime
    unknown_here: Sequence[Message]
    accepted_there: Sequence[Message]
    words: Mapping[tuple[Word, str], int]
    whole: bool


class Ledgers:
    def __init__(self, stores: Stores, now: Clock) -> None:
        self._stores, self._now = stores, now

    async def of(self, practice: str, phone: str) -> Consents:
        entries = (await self._stores.contacts.ledgers([(practice, phone)])).get((practice, phone), ())
        return Consents(
            entries=sorted(entries, key=lambda entry: entry.at),
            stopped=stopped(entries),
            agrees={purpose: agrees(entries, purpose) for purpose in Purpose},
        )

    async def drift(self, practice: str, span: timedelta) -> Drift:
        since = self._now() - span
        texts = await self._stores.overview.begun(practice, since=since, limit=MOST + 1)
        seen = texts[:MOST]
        ledgers = await self._ledgers(practice, sorted({text.to for text in seen}))
        return Drift(
            since=since,
            unknown_here=[text for text in seen if _is_unknown_here(text, ledgers.get(text.to, ()))],
            accepted_there=[text for text in seen if _is_accepted_there(text, ledgers.get(text.to, ()))],
            words=_words(ledgers.values(), since),
            whole=len(texts) <= MOST,
        )

    async def _ledgers(self, practice: str, phones: Sequence[str]) -> Mapping[str, Sequence[Entry]]:
        found: dict[str, Sequence[Entry]] = {}
        for start in range(0, len(phones), PAGE):
            some = [(practice, phone) for phone in phones[start : start + PAGE]]
            found |= {phone: entries for (_, phone), entries in (await self._stores.contacts.ledgers(some)).items()}
        return found


def _is_unknown_here(text: Message, ledger: Sequence[Entry]) -> bool:
    """Refused as opted out, and of a stop nothing was known when it was posted; what the refusal taught came later."""
    if text.sent_at is None or not (text.why or "").startswith(REFUSED):
        return False
    return not stopped([entry for entry in ledger if entry.at < text.sent_at])


def _is_accepted_there(text: Message, ledger: Sequence[Entry]) -> bool:
    """It has a SID, and was posted after a stop of ours that held then; the farewell is meant to be."""
    answer = ANSWER_STEPS.get(text.step) if text.asked_at is not None else None
    if text.sid is None or text.sent_at is None or (answer is not None and answer.to_stopped):
        return False
    return stopped([entry for entry in ledger if entry.at < text.sent_at])


def _words(ledgers: Iterable[Sequence[Entry]], since: datetime) -> Mapping[tuple[Word, str], int]:
    counted: Counter[tuple[Word, str]] = Counter()
    for ledger in ledgers:
        said = {(entry.word, entry.source) for entry in ledger if entry.at >= since}
        counted.update(pair for pair in said if pair[0] in (Word.STOPPED, Word.STARTED))
    return counted
