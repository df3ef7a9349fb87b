"""The time machine: what would be texted in a span, under the rules as they are or might be; nothing is sent."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime, time
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError

from services.notify.domain.practice import Practice
from services.notify.domain.quiet import Quiet
from services.notify.domain.simulation import FORESEES, Span
from services.notify.domain.traffic import LOOKS_BACK
from services.notify.domain.visit import Visit
from services.notify.foretelling import Form, Told, told
from services.notify.routes.payloads import TextingSettings, VisitToPlan
from services.notify.settings import Settings
from services.notify.store import MongoCalendar, MongoPractices
from shared import mongo
from shared.httpkit import Payload

# Fewer clients than this are gone through sooner than other processes have begun.
WORTH_SHARING = 400
SHARES_EACH = 4
GENTLE = frozenset({"day_before", "aftercare"})
Model = TypeVar("Model", bound=Payload)


class NotSimulated(Exception):
    """What was given cannot be gone through; the words say why."""


class VisitToSimulate(VisitToPlan):
    """Visits of the same `client` share a phone; without one, each has a client of its own."""

    appointment: str = Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")
    client: str | None = Field(None, max_length=80)
    wants_offers: bool = False

    def to_visit(self, practice: str) -> Visit:
        visit = super().to_visit(practice)
        own = self.client or self.appointment
        seat = None if visit.seat is None else replace(visit.seat, course=own)
        return replace(visit, appointment=self.appointment, phone=own, wants_offers=self.wants_offers, seat=seat)


class MadeUp(Payload):
    """A practice that is at its defaults but for `settings`, and its visits."""

    settings: TextingSettings = TextingSettings()
    visits: tuple[VisitToSimulate, ...] = Field(min_length=1)

    def practice(self) -> Practice:
        plain = Practice(id="made-up", version=1, sms_name="", locale="en", phone="", steps=GENTLE, quiet=Quiet())
        return self.settings.over(plain)


def changed(practice: Practice, file: Path | None) -> Practice | None:
    """The practice under the rules in the file, a JSON object as the desk's plan takes for `settings`."""
    if file is None:
        return None
    return _read(TextingSettings, file).over(practice)


def made_up(file: Path) -> tuple[Practice, list[Visit]]:
    given = _read(MadeUp, file)
    visits = [visit.to_visit("made-up") for visit in given.visits]
    if len({visit.appointment for visit in visits}) < len(visits):
        raise NotSimulated(f"{file}: an appointment is there twice")
    return given.practice(), visits


async def of_practice(settings: Settings, name: str, since: date, until: date) -> tuple[Practice, list[Visit], Span]:
    """Out of notify's database, with whatever may be texted about in these days by the practice's own clock."""
    if until <= since:
        raise NotSimulated("the last day comes before the first")
    async with AsyncExitStack() as opened:
        db = await opened.enter_async_context(mongo.connect(settings.mongo_url, settings.notify_database))
        practice = await MongoPractices(db).get(name)
        if practice is None:
            raise NotSimulated(f"no practice {name!r} is known")
        zone = ZoneInfo(practice.zone)
        span = Span(datetime.combine(since, time(), zone), datetime.combine(until, time(), zone))
        calendar = await MongoCalendar.open(db)
        visits = await calendar.visits(name, span.since - LOOKS_BACK, span.until + FORESEES)
    return practice, list(visits), span


def gone_through(
    visits: Iterable[Visit], practice: Practice, other: Practice | None, span: Span | None, form: Form
) -> Told:
    """Client by client, on all cores if it is worth it; each line begins with its time, all of them in order."""
    clients: dict[str, list[Visit]] = {}
    for visit in visits:
        clients.setdefault(visit.phone, []).append(visit)
    tell = partial(told, practice=practice, other=other, span=span, form=form)
    groups, cores = list(clients.values()), os.cpu_count() or 1
    if len(groups) < WORTH_SHARING or cores == 1:
        return tell(groups)
    whole = Told()
    with (
        _spared(),
        ProcessPoolExecutor(
            cores, mp_context=get_context("fork"), initializer=_inherit, initargs=(groups, tell)
        ) as pool,
    ):
        for part in pool.map(_tell_of, _shares(len(groups), cores * SHARES_EACH)):
            whole.add(part)
    return whole


_inherited: list[tuple[Sequence[Sequence[Visit]], Callable[[Sequence[Sequence[Visit]]], Told]]] = []


def _inherit(groups: Sequence[Sequence[Visit]], tell: Callable[[Sequence[Sequence[Visit]]], Told]) -> None:
    """In a process of the pool: it has all clients from its parent, so none has to be sent to it."""
    gc.disable()
    _inherited.append((groups, tell))


def _tell_of(share: slice) -> Told:
    [(groups, tell)] = _inherited
    return tell(groups[share])


def _shares(clients: int, parts: int) -> Iterator[slice]:
    each = -(-clients // parts)
    return (slice(first, first + each) for first in range(0, clients, each))


@contextmanager
def _spared() -> Iterator[None]:
    """The collector looks at nothing that is there already: neither here nor, page by page, in the pool."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _read(model: type[Model], file: Path) -> Model:
    try:
        return model.model_validate_json(file.read_bytes())
    except OSError as error:
        raise NotSimulated(f"{file}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NotSimulated(f"{file}: {where + ': ' if where else ''}{first['msg']}") from error
