"""Availability worked out the slow way, five minutes by five minutes, sharing no calculation with the product."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from services.booking.domain.availability import Busy, Question, Reason
from services.booking.domain.practice import Buffers, Practitioner, Service

PIECE = 5
Found = tuple[int, str, str, str | None]


def expected_starts(question: Question) -> list[Found]:
    """Minute, practitioner, place and room of each start; all hours are taken to lie on the raster of pieces."""
    first, last = (int(at.timestamp() // 60) for at in (question.starts_from, question.starts_until))
    best = (best_choice(question, minute) for minute in range(first - first % PIECE, last + PIECE, PIECE))
    window = range(-int(-question.starts_from.timestamp() // 60), -int(-question.starts_until.timestamp() // 60))
    return [found for found in best if found is not None and found[0] in window]


def best_choice(question: Question, minute: int) -> Found | None:
    """Fewest visits on that local day, then by name; the first free room by id."""
    choices = []
    for person in question.practice.practitioners:
        if question.service.id not in person.services or question.practitioner not in (None, person.id):
            continue
        for place in question.practice.places:
            free, room = is_free(question, person, place.id, minute)
            if free:
                visits = _visits_on_the_day(question, person, ZoneInfo(place.zone), minute)
                choices.append((visits, person.name, person.id, place.id, room))
    if not choices:
        return None
    _, _, person_id, place_id, room = min(choices, key=lambda choice: choice[:4])
    return minute, person_id, place_id, room


def is_free(question: Question, person: Practitioner, place: str, minute: int) -> tuple[bool, str | None]:
    service = question.service
    zone = ZoneInfo(question.practice.place(place).zone)
    at_work = ranges_of(person, place)
    pieces = range(minute, minute + service.length_minutes, PIECE)
    wall = _wall(minute, zone)
    if not all(is_working(at_work, zone, piece) for piece in pieces) or not _on_a_step(at_work, wall, service):
        return False, None
    if minute * 60 < (question.now + timedelta(minutes=service.notice_minutes)).timestamp():
        return False, None
    if (wall.date() - question.now.astimezone(zone).date()).days > service.horizon_days:
        return False, None
    theirs = [busy for busy in question.busy if busy.practitioner == person.id]
    if any(_too_close(question, person, minute, busy) for busy in theirs):
        return False, None
    if _is_one_too_many(person, (minute, minute + service.length_minutes), theirs):
        return False, None
    if not service.needs_room:
        return True, None
    for room in sorted(room.id for room in question.practice.rooms if room.place == place):
        if not any(_too_close(question, person, minute, busy) for busy in question.busy if busy.room == room):
            return True, room
    return False, None


AtWork = Callable[[date], tuple[tuple[int, int], ...]]


def ranges_of(person: Practitioner, place: str) -> AtWork:
    """The ranges of a local date, joined where they overlap or touch."""

    @cache
    def at_work(day: date) -> tuple[tuple[int, int], ...]:
        hours = next((one.hours for one in person.exceptions if one.day == day), None)
        if hours is None:
            hours = tuple(one for one in person.hours if one.weekday == day.weekday())
        minutes = {m for one in hours if one.place == place for m in range(one.starts, one.ends)}
        edges = sorted({m for m in minutes if m - 1 not in minutes} | {m + 1 for m in minutes if m + 1 not in minutes})
        return tuple(zip(edges[::2], edges[1::2], strict=True))

    return at_work


def is_working(at_work: AtWork, zone: ZoneInfo, minute: int) -> bool:
    """A second pass counts only if the whole fold lies in the range."""
    wall = _wall(minute, zone)
    clock = wall.hour * 60 + wall.minute
    for starts, ends in at_work(wall.date()):
        if starts <= clock < ends:
            return wall.fold == 0 or all(starts <= shown < ends for shown in _folded(zone, minute))
    return False


@lru_cache(maxsize=50_000)
def _wall(minute: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(minute * 60, zone)


@lru_cache(maxsize=1_000)
def _folded(zone: ZoneInfo, minute: int) -> tuple[int, ...]:
    """The minutes of the day that clocks show a second time in the fold around a second pass."""
    walls = (_wall(minute + piece, zone) for piece in range(-180, 181, PIECE))
    return tuple(wall.hour * 60 + wall.minute for wall in walls if wall.fold == 1)


def _on_a_step(at_work: AtWork, wall: datetime, service: Service) -> bool:
    clock = wall.hour * 60 + wall.minute
    return any(
        starts <= clock < ends and (clock - starts) % service.step_minutes == 0 for starts, ends in at_work(wall.date())
    )


def _too_close(question: Question, person: Practitioner, minute: int, busy: Busy) -> bool:
    """Needs that are summed belong to the visit itself; of two that are not, the larger counts."""
    service, taken = question.service, busy.footprint
    after = service.buffer_after_minutes
    for reset in person.load.resets:
        if reset.service == service.id and reset.minutes > after:
            after = reset.minutes
    mine = [minute, minute + service.length_minutes, service.buffer_before_minutes, after]
    other = [taken.starts, taken.ends, taken.before, taken.after]
    for visit, policy in ((mine, question.practice.buffers), (other, taken.buffers)):
        if policy is Buffers.SUMMED:
            visit[:] = [visit[0] - visit[2], visit[1] + visit[3], 0, 0]
    if mine[0] < other[1] and other[0] < mine[1]:
        return True
    earlier, later = (mine, other) if mine[0] < other[0] else (other, mine)
    return later[0] - earlier[1] < max(earlier[3], later[2])


def _is_one_too_many(person: Practitioner, wanted: tuple[int, int], theirs: list[Busy]) -> bool:
    """Grows the row around the visit wanted, neighbour by neighbour."""
    if person.load.most_in_a_row is None:
        return False
    left = [(one.footprint.starts, one.footprint.ends) for one in theirs if one.reason is Reason.VISIT]
    row = [wanted]
    for starts, ends in row:
        near = [other for other in left if max(other[0] - ends, starts - other[1]) < person.load.pause_minutes]
        left = [other for other in left if other not in near]
        row += near
    return len(row) > person.load.most_in_a_row


def _visits_on_the_day(question: Question, person: Practitioner, zone: ZoneInfo, minute: int) -> int:
    day = _wall(minute, zone).date()
    return sum(
        _wall(busy.footprint.starts, zone).date() == day
        for busy in question.busy
        if busy.reason is Reason.VISIT and busy.practitioner == person.id
    )
