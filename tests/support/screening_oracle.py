"""The full form judged a second time, by plain Python written from the specification's tables and not from our data.

It shares nothing with the engine: no rule file, no condition, no date arithmetic. Where both agree on thousands of
made-up cases, either both are right or two people made the same mistake.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

ALWAYS = [
    "q_red_flags",
    "q_head_injury",
    "q_skull_fracture",
    "q_brain_bleed",
    "q_stroke",
    "q_aneurysm",
    "q_icp",
    "q_shunt",
    "q_csf_leak",
    "q_lumbar",
    "q_chiari",
    "q_cns_infection",
    "q_brain_tumour",
    "q_seizure",
    "q_head_spine_surgery",
    "q_spine_fracture",
    "q_neck_unstable",
    "q_bleeding_disorder",
    "q_blood_thinners",
    "q_blood_clot",
    "q_other_surgery",
    "q_cancer",
    "q_heart",
    "q_eye",
    "q_acute_illness",
    "q_diabetes_meds",
]
FOLLOW_UPS = {
    "q_head_injury": ("q_head_injury_date", "q_head_injury_checked", "q_head_injury_symptoms"),
    "q_skull_fracture": ("q_skull_fracture_date",),
    "q_brain_bleed": ("q_brain_bleed_date",),
    "q_stroke": ("q_stroke_date",),
    "q_csf_leak": ("q_csf_leak_now",),
    "q_lumbar": ("q_lumbar_date",),
    "q_chiari": ("q_chiari_pressing",),
    "q_head_spine_surgery": ("q_head_spine_surgery_date",),
    "q_spine_fracture": ("q_spine_fracture_date",),
    "q_bleeding_disorder": ("q_bleeding_severity",),
    "q_pregnant": ("q_pregnancy_weeks", "q_pregnancy_risk"),
}
LIFETIME = [
    "q_aneurysm",
    "q_skull_fracture",
    "q_brain_bleed",
    "q_stroke",
    "q_chiari",
    "q_shunt",
    "q_csf_leak",
    "q_bleeding_disorder",
    "q_brain_tumour",
    "q_head_spine_surgery",
    "q_seizure",
]
MAY_HIDE_A_CLEARANCE = [
    "q_skull_fracture_date",
    "q_brain_bleed_date",
    "q_stroke_date",
    "q_head_spine_surgery_date",
    "q_spine_fracture_date",
    "q_bleeding_severity",
]
SIMPLE_DECLINES = {"q_aneurysm": "ANEURYSM_DIAGNOSED", "q_icp": "RAISED_ICP", "q_cns_infection": "CNS_INFECTION_LT_6W"}
SIMPLE_CLEARANCES = {
    "q_shunt": "SHUNT_HYDROCEPHALUS",
    "q_brain_tumour": "BRAIN_SPINE_TUMOUR",
    "q_blood_clot": "BLOOD_CLOT_6M",
    "q_neck_unstable": "NECK_UNSTABLE",
}
SIMPLE_REVIEWS = {
    "q_seizure": "SEIZURE",
    "q_pregnant": "PREGNANCY",
    "q_postpartum": "POSTPARTUM_LT_6W",
    "q_other_surgery": "OTHER_SURGERY_LT_6W",
    "q_cancer": "CANCER_TREATMENT",
    "q_heart": "HEART_BP",
    "q_eye": "EYE_CONDITION",
    "q_acute_illness": "ACUTE_ILLNESS",
}
# The class and the code below so many days; the date is asked only if there was such an event.
WINDOWS = {
    "q_head_injury_date": ((42, "A HEAD_INJURY_LT_6W"), (183, "P HEAD_INJURY_6W_6M"), (None, "N HEAD_INJURY_OLD")),
    "q_skull_fracture_date": ((183, "A SKULL_FRACTURE_LT_6M"), (None, "B SKULL_FRACTURE_HISTORY")),
    "q_brain_bleed_date": ((183, "A BRAIN_BLEED_LT_6M"), (None, "B BRAIN_BLEED_HISTORY")),
    "q_stroke_date": ((183, "A STROKE_LT_6M"), (None, "B STROKE_HISTORY")),
    "q_lumbar_date": ((14, "A LUMBAR_LT_14D"), (42, "P LUMBAR_2_6W"), (None, "N LUMBAR_OLD")),
    "q_head_spine_surgery_date": (
        (42, "A HEAD_SPINE_SURGERY_LT_6W"),
        (183, "B HEAD_SPINE_SURGERY_6W_6M"),
        (None, "N HEAD_SPINE_SURGERY_OLD"),
    ),
    "q_spine_fracture_date": (
        (84, "A SPINE_FRACTURE_LT_12W"),
        (183, "B SPINE_FRACTURE_12W_6M"),
        (None, "N SPINE_FRACTURE_OLD"),
    ),
}
NOTHING_WRITTEN = ("", "no", "none", "n/a", "na", "nothing", "nil", "-")


def judged(answers: Mapping[str, Any], as_of: date, prior_yes: Collection[str] = ()) -> dict[str, Any]:
    """Of answers that the form accepts."""
    return _Judging(answers, as_of, prior_yes).result()


class _Judging:
    def __init__(self, answers: Mapping[str, Any], as_of: date, prior_yes: Collection[str]) -> None:
        self.as_of = as_of
        self.dob = date.fromisoformat(answers["dob"])
        self.age = as_of.year - self.dob.year
        if (as_of.month, as_of.day) < (self.dob.month, self.dob.day):
            self.age -= 1
        self.given = {name: answer for name, answer in answers.items() if answer != []}
        self.prior_yes = prior_yes
        self.visible = self._visible()
        self.of = {name: answer for name, answer in self.given.items() if name in self.visible}
        self.declined: set[str] = set()
        self.lasting = False
        self.ends: list[date] = []
        self.review: set[str] = set()
        self.notes: set[str] = set()
        self.urgent = False
        self.clearance = False

    def result(self) -> dict[str, Any]:
        self._declines()
        self._windows()
        self._urgent()
        self._clearances()
        self._reviews()
        self._people()
        self._open_answers()
        self._contradictions()
        outcome = "declined" if self.declined else "needs_review" if self.review else "cleared"
        again = self.declined and not self.urgent and not self.lasting
        return {
            "outcome": outcome,
            "urgent": self.urgent,
            "reason_codes": sorted(self.declined | self.review),
            "note_codes": sorted(self.notes),
            "clearance_required": self.clearance,
            "retry_after": max(self.ends) if again else None,
        }

    # 6b and 6c.6

    def _visible(self) -> set[str]:
        shown = {"respondent_role", "dob", "reason_for_visit", "q_other_text", *ALWAYS}
        if self.given.get("respondent_role") == "guardian" and self.age < 18:
            shown.add("guardian_consent")
        if 12 <= self.age <= 60:
            shown |= {"q_pregnant", "q_postpartum"}
        if self.age < 2:
            shown.add("q_baby_checked")
        for parent, children in FOLLOW_UPS.items():
            if parent in shown and self.given.get(parent) == "yes":
                shown |= set(children)
        return shown

    def yes(self, question: str) -> bool:
        return self.of.get(question) == "yes"

    def no(self, question: str) -> bool:
        return self.of.get(question) == "no"

    # 6c.3 to 6c.5

    def span(self, question: str) -> tuple[date, date] | None:
        answer = self.of.get(question)
        if not isinstance(answer, dict):
            return None
        year, month, day = (*(int(part) for part in answer["value"].split("-")), 0, 0)[:3]
        if day:
            return date(year, month, day), date(year, month, day)
        if month:
            return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
        return date(year, 1, 1), date(year, 12, 31)

    def latest(self, question: str) -> date | None:
        span = self.span(question)
        if span is None or span[0] > self.as_of or span[1] < self.dob:
            return None
        return min(span[1], self.as_of)

    def days(self, question: str) -> int | None:
        """None without a date that can be true."""
        latest = self.latest(question)
        return None if latest is None else self.as_of.toordinal() - latest.toordinal()

    # R01 to R13

    def _decline(self, code: str) -> None:
        self.declined.add(code)
        self.lasting = True

    def _decline_for(self, code: str, question: str, below: int) -> None:
        """[t]"""
        self.declined.add(code)
        latest = self.latest(question)
        assert latest is not None
        self.ends.append(latest + timedelta(days=below))

    def _declines(self) -> None:
        for question, code in SIMPLE_DECLINES.items():
            if self.yes(question):
                self._decline(code)
        if self.yes("q_bleeding_disorder") and self.of.get("q_bleeding_severity") == "severe":
            self._decline("BLEEDING_SEVERE")
        if self.yes("q_csf_leak") and self.yes("q_csf_leak_now"):
            self._decline("CSF_LEAK_CURRENT")
        if self.yes("q_chiari") and self.yes("q_chiari_pressing"):
            self._decline("BRAINSTEM_HERNIATION")

    def _windows(self) -> None:
        for question, windows in WINDOWS.items():
            days = self.days(question)
            if days is None:
                continue
            code = next(code for below, code in windows if below is None or days < below)
            match code.split():
                case ["A", name]:
                    self._decline_for(name, question, next(below for below, _ in windows if below is not None))
                case ["B", name]:
                    self.review.add(name)
                    self.clearance = True
                case ["P", name]:
                    self.review.add(name)
                case ["N", name] if question != "q_head_injury_date" or self.no("q_head_injury_symptoms"):
                    self.notes.add(name)

    # R20 to R22

    def _urgent(self) -> None:
        signs = set(self.of.get("q_red_flags", ()))
        for sign in signs - {"none", "unsure"}:
            self._decline(f"RED_FLAG:{sign}")
            self.urgent = True
        days = self.days("q_head_injury_date")
        bleeds = self.of.get("q_blood_thinners") in ("anticoagulant", "unsure") or self.yes("q_bleeding_disorder")
        if days is not None and days <= 21 and not self.yes("q_head_injury_checked") and bleeds:
            self._decline("URGENT_HEAD_INJURY_BLOOD_THINNER")
            self.urgent = True
        if "unsure" in signs:
            self.review.add("RED_FLAG_UNSURE")
            self.urgent = True
        if "none" in signs and len(signs) > 1:
            self.review.add("CONTRADICTION:NONE_PLUS_OTHER")

    # R33 to R43

    def _clearances(self) -> None:
        codes = {code for question, code in SIMPLE_CLEARANCES.items() if self.yes(question)}
        if self.yes("q_bleeding_disorder") and self.of.get("q_bleeding_severity") in ("mild", "moderate"):
            codes.add("BLEEDING_NOT_SEVERE")
        if self.yes("q_csf_leak") and self.no("q_csf_leak_now"):
            codes.add("CSF_LEAK_PAST")
        if self.yes("q_chiari") and self.no("q_chiari_pressing"):
            codes.add("CHIARI")
        if self.yes("q_pregnant") and self.yes("q_pregnancy_risk"):
            codes.add("PREGNANCY_HIGH_RISK")
        if self.age < 2:
            codes.add("INFANT_LT_2Y")
        self.review |= codes
        self.clearance = self.clearance or bool(codes)

    # R51 to R63, and the notes without a window

    def _reviews(self) -> None:
        self.review |= {code for question, code in SIMPLE_REVIEWS.items() if self.yes(question)}
        if self.yes("q_head_injury_symptoms"):
            self.review.add("HEAD_INJURY_SYMPTOMS")
        match self.of.get("q_blood_thinners"):
            case "anticoagulant":
                self.review.add("ANTICOAGULANT")
            case "antiplatelet_only":
                self.notes.add("ANTIPLATELET")
        weeks = self.of.get("q_pregnancy_weeks")
        if isinstance(weeks, int) and weeks < 14:
            self.review.add("PREGNANCY_T1")
        text = self.of.get("q_other_text", "").strip()
        while text and text[-1] in ".!,;":
            text = text[:-1]
        if text.strip().casefold() not in NOTHING_WRITTEN:
            self.review.add("OTHER_TEXT")
        if self.yes("q_diabetes_meds"):
            self.notes.add("DIABETES_MEDS")

    # R64 to R68

    def _people(self) -> None:
        role = self.of.get("respondent_role")
        if self.age >= 18:
            if role == "guardian":
                self.review.add("ADULT_BY_PROXY")
            return
        self.review.add("MINOR")
        if self.no("q_baby_checked"):
            self.review.add("INFANT_NOT_CHECKED")
        if self.of.get("guardian_consent") is not True:
            self.review.add("MINOR_NO_GUARDIAN_CONSENT")
        if role == "self":
            self.review.add("MINOR_SELF_REPORTED")

    # R70 to R87

    def _open_answers(self) -> None:
        written = {"q_other_text", "q_red_flags"}
        for question in self.visible - written:
            answer = self.of.get(question)
            if answer == "unsure":
                self._about(f"UNSURE:{question}", question)
            elif answer == "skip":
                self._about(f"WITHHELD:{question}", question)
        for question in self.visible - self.of.keys() - {"q_other_text"}:
            if question.startswith("q_"):
                self._about(f"MISSING:{question}", question)

    def _about(self, code: str, question: str) -> None:
        self.review.add(code)
        self.clearance = self.clearance or question in MAY_HIDE_A_CLEARANCE

    def _contradictions(self) -> None:
        for question in self.given.keys() - self.visible:
            if self.given[question] is False:
                continue  # a box that was not ticked says nothing
            self.review.add(f"CONTRADICTION:ORPHAN:{question}")
        for question in self.of:
            span = self.span(question)
            if span and span[0] > self.as_of:
                self._about(f"CONTRADICTION:FUTURE_DATE:{question}", question)
            if span and span[1] < self.dob:
                self._about(f"CONTRADICTION:DATE_BEFORE_BIRTH:{question}", question)
        for question in LIFETIME:
            if question in self.prior_yes and self.no(question):
                self.review.add(f"CONTRADICTION:PRIOR_ANSWER:{question}")
        self._reasons()

    def _reasons(self) -> None:
        """What somebody comes for, beside what they say of it."""
        reasons = self.of.get("reason_for_visit", ())
        if "post_concussion" in reasons:
            self.review.add("REASON_POST_CONCUSSION")
        if "stroke_recovery" in reasons and self.no("q_stroke"):
            self.review.add("CONTRADICTION:STROKE")
        if "pregnancy_support" in reasons and self.no("q_pregnant"):
            self.review.add("CONTRADICTION:PREGNANCY")
