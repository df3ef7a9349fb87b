"""Drafts, editions and what was found out about them, as the JSON that goes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from services.screening import overlays
from services.screening.actions import Simulated, Tally, Tried
from services.screening.actions.simulating import FEWEST, shown
from services.screening.domain.catalogue import Catalogue
from services.screening.domain.comparison import Comparison, Result
from services.screening.domain.draft import Draft, Edition
from services.screening.routes import form_payloads as f


def listed(catalogue: Catalogue, published: Sequence[Edition], drafts: Iterable[Draft]) -> f.FormsOut:
    library = [
        f.VersionOut(
            questionnaire=form.questionnaire.id,
            ruleset=form.ruleset.id,
            state="library",
            digest=form.ruleset.digest,
            forces_rescreen=form.ruleset.forces_rescreen,
        )
        for form in catalogue.rulesets.values()
    ]
    counting = {one.form: one for one in published}
    own = [edition(one, counts=counting[one.form] is one) for one in published]
    return f.FormsOut(forms=library + own, drafts=[line(one) for one in drafts])


def edition(one: Edition, *, counts: bool = True) -> f.VersionOut:
    return f.VersionOut(
        questionnaire=one.questionnaire,
        ruleset=one.ruleset,
        state="published" if counts else "retired",
        digest=one.digest,
        published_at=one.at,
        published_by=one.by,
        approved_by=list(one.approved_by),
        forces_rescreen=one.forces_rescreen,
    )


def line(draft: Draft) -> f.DraftLineOut:
    return f.DraftLineOut.model_validate(
        {
            "form": draft.form,
            "state": draft.stage.value,
            "release": draft.release,
            "digest": draft.digest,
            "version": draft.version,
        }
    )


def draft(one: Draft) -> f.DraftOut:
    return f.DraftOut(
        **line(one).model_dump(),
        overlay=overlays.read(one.content),
        approvals=[f.ApprovalOut(by=approval.by, at=approval.at) for approval in one.approvals],
    )


def tried(one: Tried, before: str) -> f.TriedOut:
    return f.TriedOut(
        draft=line(one.draft),
        troubles=list(one.troubles),
        release=one.release,
        comparison=comparison(one.comparison, before, "draft"),
    )


def comparison(found: Comparison, before: str, after: str) -> f.ComparisonOut:
    return f.ComparisonOut.model_validate(
        {
            "before": before,
            "after": after,
            "step": found.step.value,
            "differences": [
                {"what": one.what, "id": one.id, "how": one.how, "fields": list(one.fields)}
                for one in found.differences
            ],
            "cases": [
                {"case": one.name, "before": _result(one.before), "after": _result(one.after)} for one in found.cases
            ],
            "softer": list(found.softer),
        }
    )


def simulation(found: Simulated) -> f.SimulationOut:
    return f.SimulationOut(
        own=_tally(found.own, hides=False),
        base=_tally(found.base, hides=False),
        stored=_tally(found.stored, hides=True),
        left_out=found.left_out - found.left_out % FEWEST,
    )


def _tally(tally: Tally, *, hides: bool) -> f.TallyOut:
    def of(number: int) -> int | None:
        return shown(number) if hides else number

    def codes(counted: Counter[str]) -> list[f.CodeCountOut]:
        return [f.CodeCountOut(code=code, count=of(number)) for code, number in sorted(counted.items())]

    moved = [
        f.MovedOut.model_validate({"before": before, "after": after, "count": of(number)})
        for (before, after), number in sorted(tally.outcomes.items())
    ]
    judged = tally.judged - tally.judged % FEWEST if hides else tally.judged
    return f.TallyOut(judged=judged, outcomes=moved, added=codes(tally.added), removed=codes(tally.removed))


def _result(one: Result | None) -> dict[str, object] | None:
    if one is None:
        return None
    return {
        "outcome": one.outcome.value,
        "urgent": one.urgent,
        "clearance_required": one.clearance_required,
        "codes": list(one.codes),
        "retry_after": one.retry_after,
    }
