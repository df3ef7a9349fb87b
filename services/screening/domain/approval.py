"""For how long a person's approval counts: any, and one of what changes faster (specification, section 6f)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.screening.domain.assessment import Finding
from services.screening.domain.refusals import ApprovalTooLong
from services.screening.domain.ruleset import Ruleset

DEFAULT_DAYS: Final = 90
MOST_DAYS: Final = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """In days from the day of the approval, which is the zeroth; the last one counts."""

    default: int = DEFAULT_DAYS
    most: int = MOST_DAYS

    def of(self, days: int | None) -> timedelta:
        """Raises `ApprovalTooLong`."""
        if days is not None and days > self.most:
            raise ApprovalTooLong(f"an approval of this counts for at most {self.most} days", most=self.most)
        return timedelta(days=self.default if days is None else days)


def span(findings: Iterable[Finding], rules: Ruleset | None) -> Span:
    """The shortest of what the fired rules say, each for itself."""
    fired = {finding.rule for finding in findings}
    said = [rule.approve_for for rule in (rules.rules if rules else ()) if rule.id in fired and rule.approve_for]
    most = min((most for _, most in said), default=MOST_DAYS)
    default = min((default for default, _ in said), default=DEFAULT_DAYS)
    return Span(default=min(default, most), most=min(most, MOST_DAYS))
