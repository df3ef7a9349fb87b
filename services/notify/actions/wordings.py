"""A practice's own words in place of the templates: seen, tried, set and dropped at its desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final, TypeVar

from services.notify.actions.desk import PracticeUnknown
from services.notify.domain.notice import Notice, NoticeKind
from services.notify.domain.practice import Practice, Worded
from services.notify.domain.text import Size, plain, size
from services.notify.domain.visit import Seat, Visit, VisitState
from services.notify.domain.wording import may_hold
from services.notify.ports import Stores, Texts
from shared.clock import Clock
from shared.errors import Kind, Refusal

TRIES: Final = 5
CODE: Final = "0" * 8
AN_ID: Final = "a" * 26
OFFERED_FOR: Final = timedelta(hours=2)
Kept = TypeVar("Kept")


class ChangedMeanwhile(Refusal):
    """Somebody else changed what the desk sets before or at the same moment; nothing of this change was kept."""

    slug: ClassVar[str] = "changed-meanwhile"
    kind: ClassVar[Kind] = Kind.CONFLICT


class AppointmentUnknown(Refusal):
    """The practice has no such visit that notify knows of."""

    slug: ClassVar[str] = "appointment-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One text of a practice: the built-in words, its own, and what those that are sent cost at their longest.

    `refused` says why its own words are not sent: they were kept by a release that allowed them.
    """

    language: str
    template: str
    built_in: str
    may_hold: Sequence[str]
    longest: Size
    own: str | None = None
    worded: Worded | None = None
    refused: Refusal | None = None


class Wordings:
    def __init__(self, stores: Stores, *, texts: Texts, link: Callable[[str], str], now: Clock) -> None:
        self._stores, self._texts, self._link, self._now = stores, texts, link, now

    async def practice(self, practice: str) -> Practice:
        known = await self._stores.practices.get(practice)
        if known is None:
            raise PracticeUnknown(f"{practice} is not known to notify")
        return known

    def all(self, practice: Practice) -> Iterator[Wording]:
        for language, templates in sorted(self._texts.texts.items()):
            for template in sorted(templates):
                yield self.one(practice, language, template)

    def one(self, practice: Practice, language: str, template: str) -> Wording:
        """Raises `UnknownTemplate`."""
        key, built_in = f"{language}/{template}", self._texts.texts.get(language, {}).get(template, "")
        wording = Wording(
            language=language,
            template=template,
            built_in=built_in,
            may_hold=sorted(may_hold(template)),
            longest=self._texts.judge(language, template, built_in),
            own=practice.wordings.get(key),
            worded=practice.worded.get(key),
        )
        if wording.own is None:
            return wording
        try:
            return replace(wording, longest=self._texts.judge(language, template, wording.own))
        except Refusal as refused:
            return replace(wording, refused=refused)

    async def put(
        self, practice: str, language: str, template: str, words: str, *, edits: int | None, by: str
    ) -> tuple[Practice, Wording]:
        """Raises what is wrong with the words, and `ChangedMeanwhile` if `edits` is not the newest count."""
        key, words = f"{language}/{template}", plain(words).strip()
        self._texts.judge(language, template, words)

        def worded(known: Practice) -> Practice:
            own = {**known.wordings, key: words}
            return replace(known, wordings=own, worded={**known.worded, key: Worded(by, self._now())})

        changed = await self._edited(practice, edits, worded)
        return changed, self.one(changed, language, template)

    async def drop(self, practice: str, language: str, template: str, *, edits: int | None) -> tuple[Practice, Wording]:
        """Back to the built-in words."""
        key = f"{language}/{template}"
        self.one(await self.practice(practice), language, template)

        def built_in(known: Practice) -> Practice:
            return replace(known, wordings=_without(known.wordings, key), worded=_without(known.worded, key))

        changed = await self._edited(practice, edits, built_in)
        return changed, self.one(changed, language, template)

    async def visit(self, practice: str, appointment: str) -> Visit:
        known = await self._stores.visits.get(appointment)
        if known is None or known.practice != practice:
            raise AppointmentUnknown(f"{appointment} is no visit that {practice} texts about")
        return known

    def some_visit(self, practice: Practice) -> Visit:
        """A visit a week from now, for whoever has none at hand."""
        starts_at = self._now().replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
        return _made_up(practice, starts_at)

    def longest(self, language: str, template: str, words: str) -> Size:
        """What these words would cost at their longest; raises what is wrong with them."""
        return self._texts.judge(language, template, plain(words).strip())

    def preview(
        self, practice: Practice, language: str, template: str, words: str | None, visit: Visit
    ) -> tuple[str, Size]:
        """The text as it would be sent about this visit; words that are tried are judged as if they were set."""
        if words is not None:
            words = plain(words).strip()
            practice = replace(practice, wordings={**practice.wordings, f"{language}/{template}": words})
            self._texts.judge(language, template, words)
        else:
            self.one(practice, language, template)
        locale = visit.locale if visit.locale.replace("_", "-").split("-")[0] == language else language
        body = self._texts.render(template, _about(template, replace(visit, locale=locale)), practice, self._link(CODE))
        return body, size(body)

    async def _edited(self, practice: str, edits: int | None, change: Callable[[Practice], Practice]) -> Practice:
        for _ in range(TRIES if edits is None else 1):
            known = await self.practice(practice)
            if edits is not None and known.edits != edits:
                break
            changed = change(known)
            if (changed.wordings, changed.paused) == (known.wordings, known.paused):
                return known
            if await self._stores.practices.edit(changed):
                return replace(changed, edits=known.edits + 1)
        raise ChangedMeanwhile(f"{practice} was changed at the same time; read it anew")


def _without(kept: Mapping[str, Kept], key: str) -> dict[str, Kept]:
    return {name: value for name, value in kept.items() if name != key}


def _made_up(practice: Practice, starts_at: datetime) -> Visit:
    return Visit(
        appointment=AN_ID,
        practice=practice.id,
        version=1,
        state=VisitState.CONFIRMED,
        moved=False,
        since=starts_at - timedelta(days=7),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        zone=practice.zone,
        phone="",
        client_zone=practice.zone,
        locale=practice.locale,
        consented=True,
    )


def _about(template: str, visit: Visit) -> Visit | Notice:
    """What this text would be about: the visit itself, or a notice of that time."""
    holds = may_hold(template)
    if not holds & {"until", "code"}:
        count = visit.seat.count if visit.seat is not None and visit.seat.count is not None else 6
        return replace(visit, seat=Seat(visit.seat.course if visit.seat else AN_ID, 0, count))
    return Notice(
        kind=NoticeKind.OFFER,
        locale=visit.locale,
        zone=visit.zone,
        client_zone=visit.client_zone,
        expires_at=visit.starts_at - OFFERED_FOR,
        starts_at=visit.starts_at,
        code=CODE if "code" in holds else None,
    )
