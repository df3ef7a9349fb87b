"""How long a case is kept: by whether anybody filled it in, whether the visit took place, and how old the client is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.screening.domain.case import Case

OF_AGE = 18


class Kept(StrEnum):
    """Why a case is kept: nothing was filled in, the visit did not take place (yet), or it did."""

    UNANSWERED = "unanswered"
    UNVISITED = "unvisited"
    VISITED = "visited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """For how long after its date each is kept; `visited` counts from coming of age if that is later."""

    unanswered: timedelta
    unvisited: timedelta
    visited_years: int

    def cutoffs(self, today: date) -> Mapping[Kept, date]:
        """Whatever is of an earlier date than this is not to be kept any longer."""
        return {
            Kept.UNANSWERED: today - self.unanswered,
            Kept.UNVISITED: today - self.unvisited,
            Kept.VISITED: _years_before(today, self.visited_years),
        }

    def until(self, why: Kept, since: date) -> date:
        """The last day on which it is kept."""
        match why:
            case Kept.UNANSWERED:
                return since + self.unanswered
            case Kept.UNVISITED:
                return since + self.unvisited
            case Kept.VISITED:
                return _years_before(since, -self.visited_years)


def kept(case: Case) -> tuple[Kept, date] | None:
    """Why the case is kept, and the date from which its term counts; None of what was forgotten."""
    if case.is_empty:
        return None
    answered = case.submission or next((over.submission for over in case.rounds if over.submission), None)
    visit = None if case.starts_at is None else case.starts_at.date()
    if answered is None:
        return None if visit is None else (Kept.UNANSWERED, visit)
    if case.request is None:
        return Kept.UNANSWERED, answered.as_of
    if not case.attended or visit is None:
        return Kept.UNVISITED, max(answered.as_of, visit or answered.as_of)
    return Kept.VISITED, max(day for day in (visit, answered.of_age, case.last_visit) if day is not None)


def of_age(born: date, as_of: date) -> date | None:
    """The end of the year in which a child comes of age, so that no birthday can be read from it; None of an adult."""
    end = date(born.year + OF_AGE, 12, 31)
    grown = (as_of.year - born.year) - ((as_of.month, as_of.day) < (born.month, born.day)) >= OF_AGE
    return None if grown else end


def _years_before(today: date, years: int) -> date:
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return today.replace(year=today.year - years, day=28)
