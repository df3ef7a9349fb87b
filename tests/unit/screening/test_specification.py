"""The full health check is its specification (screening.md, sections 3 and 6), row by row and word for word."""

from __future__ import annotations

from collections.abc import Iterable

from services.screening import library
from services.screening.domain.assessment import MESSAGES
from services.screening.domain.conditions import Age, All, Band, Condition, Is
from services.screening.domain.questionnaire import Question
from services.screening.domain.ruleset import Clearance, Rule
from services.screening.domain.told import LATER

CATALOGUE = library.read()
FORM = CATALOGUE.form("cst-intake")
QUESTIONS = {question.id: question for question in FORM.questionnaire.questions}
RULES = {rule.id: rule for rule in FORM.ruleset.rules}

# Question, type, shown when (section 6b).
ASKED = """
respondent_role choice always
dob date always
guardian_consent bool guardian,age<18
reason_for_visit multi always
q_red_flags multi always
q_head_injury tri always
q_head_injury_date fuzzy_date q_head_injury=yes
q_head_injury_checked tri q_head_injury=yes
q_head_injury_symptoms tri q_head_injury=yes
q_skull_fracture tri always
q_skull_fracture_date fuzzy_date q_skull_fracture=yes
q_brain_bleed tri always
q_brain_bleed_date fuzzy_date q_brain_bleed=yes
q_stroke tri always
q_stroke_date fuzzy_date q_stroke=yes
q_aneurysm tri always
q_icp tri always
q_shunt tri always
q_csf_leak tri always
q_csf_leak_now tri q_csf_leak=yes
q_lumbar tri always
q_lumbar_date fuzzy_date q_lumbar=yes
q_chiari tri always
q_chiari_pressing tri q_chiari=yes
q_cns_infection tri always
q_brain_tumour tri always
q_seizure tri always
q_head_spine_surgery tri always
q_head_spine_surgery_date fuzzy_date q_head_spine_surgery=yes
q_spine_fracture tri always
q_spine_fracture_date fuzzy_date q_spine_fracture=yes
q_neck_unstable tri always
q_bleeding_disorder tri always
q_bleeding_severity choice q_bleeding_disorder=yes
q_blood_thinners choice always
q_blood_clot tri always
q_pregnant tri age12-60
q_pregnancy_weeks int q_pregnant=yes
q_pregnancy_risk tri q_pregnant=yes
q_postpartum tri age12-60
q_other_surgery tri always
q_cancer tri always
q_heart tri always
q_eye tri always
q_acute_illness tri always
q_diabetes_meds tri always
q_baby_checked tri age<2
q_other_text text always
"""
# Rule, outcome, code, messages, marks, sources (section 6d; the sources of R20 and R55 are those of sections 3 and 2b).
RULED = """
R01 declined ANEURYSM_DIAGNOSED DECLINED lock DOC UPL CC17
R02 declined BLEEDING_SEVERE DECLINED lock DOC NIK
R03 declined HEAD_INJURY_LT_6W DECLINED_RETRY lock,time DOC CC17 PD
R04 declined SKULL_FRACTURE_LT_6M DECLINED_RETRY lock,time DOC UPL GH PD
R05 declined BRAIN_BLEED_LT_6M DECLINED_RETRY lock,time DOC UPL GH
R06 declined STROKE_LT_6M DECLINED_RETRY time GH NIK
R07 declined RAISED_ICP DECLINED - CC17 NACC DE
R08 declined CSF_LEAK_CURRENT DECLINED - GH UPL
R09 declined LUMBAR_LT_14D DECLINED_RETRY time UPL ICHD
R10 declined BRAINSTEM_HERNIATION DECLINED - UPL
R11 declined CNS_INFECTION_LT_6W DECLINED - CLON PD
R12 declined HEAD_SPINE_SURGERY_LT_6W DECLINED_RETRY time LEV CLON PD
R13 declined SPINE_FRACTURE_LT_12W DECLINED_RETRY time NIK CPT PD
R20 declined RED_FLAG:* URGENT lock,urgent CMAJ PMC-HA SNNOOP NUTH NHS-HI CDC NICSWELL CES AJEM PE-W NID MAYO-PE APEC
R21 declined URGENT_HEAD_INJURY_BLOOD_THINNER URGENT lock,urgent NHS-HI NCA
R22 needs_review RED_FLAG_UNSURE URGENT+REVIEW lock,urgent PD
R30 needs_review SKULL_FRACTURE_HISTORY REVIEW_CLEARANCE clearance UPL
R31 needs_review BRAIN_BLEED_HISTORY REVIEW_CLEARANCE clearance UPL STA
R32 needs_review STROKE_HISTORY REVIEW_CLEARANCE clearance GH UPL
R33 needs_review BLEEDING_NOT_SEVERE REVIEW_CLEARANCE clearance HEMA
R34 needs_review SHUNT_HYDROCEPHALUS REVIEW_CLEARANCE clearance CLON CC17
R35 needs_review CSF_LEAK_PAST REVIEW_CLEARANCE clearance GH
R36 needs_review CHIARI REVIEW_CLEARANCE clearance UPL CC17
R37 needs_review BRAIN_SPINE_TUMOUR REVIEW_CLEARANCE clearance ES ACS
R38 needs_review BLOOD_CLOT_6M REVIEW_CLEARANCE clearance CC17
R39 needs_review HEAD_SPINE_SURGERY_6W_6M REVIEW_CLEARANCE clearance CLON
R40 needs_review SPINE_FRACTURE_12W_6M REVIEW_CLEARANCE clearance PD
R41 needs_review NECK_UNSTABLE REVIEW_CLEARANCE clearance PD
R42 needs_review PREGNANCY_HIGH_RISK REVIEW_CLEARANCE clearance CLON
R43 needs_review INFANT_LT_2Y REVIEW_CLEARANCE lock,clearance HOLLA TODD WIKI
R50 needs_review HEAD_INJURY_6W_6M REVIEW - DOC PD
R51 needs_review HEAD_INJURY_SYMPTOMS REVIEW - GREEN99
R52 needs_review LUMBAR_2_6W REVIEW - UPL PD
R53 needs_review ANTICOAGULANT REVIEW - MPG 222
R54 needs_review SEIZURE REVIEW - ES NACC
R55 needs_review PREGNANCY REVIEW - UPL-PREG 222 AWC CLON TIRAN
R56 needs_review PREGNANCY_T1 REVIEW - PD
R57 needs_review POSTPARTUM_LT_6W REVIEW - PD
R58 needs_review OTHER_SURGERY_LT_6W REVIEW - 222
R59 needs_review CANCER_TREATMENT REVIEW - ACS MB
R60 needs_review HEART_BP REVIEW - MB
R61 needs_review EYE_CONDITION REVIEW - CCI
R62 needs_review ACUTE_ILLNESS REVIEW - CLON
R63 needs_review OTHER_TEXT REVIEW - PD
R64 needs_review INFANT_NOT_CHECKED REVIEW_CLEARANCE - PD
R65 needs_review MINOR_NO_GUARDIAN_CONSENT REVIEW lock PD PARQ-12M
R66 needs_review MINOR_SELF_REPORTED REVIEW lock PD
R67 needs_review ADULT_BY_PROXY REVIEW - PD
R68 needs_review MINOR REVIEW lock PD R71
R70 needs_review UNSURE:* REVIEW lock PD
R71 needs_review WITHHELD:* REVIEW lock PD
R72 needs_review MISSING:* REVIEW lock PD
R80 needs_review CONTRADICTION:ORPHAN:* REVIEW lock PD
R81 needs_review CONTRADICTION:NONE_PLUS_OTHER REVIEW lock PD
R82 needs_review REASON_POST_CONCUSSION REVIEW - DOC
R83 needs_review CONTRADICTION:STROKE REVIEW - PD
R84 needs_review CONTRADICTION:PREGNANCY REVIEW - PD
R85 needs_review CONTRADICTION:FUTURE_DATE:* REVIEW lock PD
R86 needs_review CONTRADICTION:DATE_BEFORE_BIRTH:* REVIEW lock PD
R87 needs_review CONTRADICTION:PRIOR_ANSWER:* REVIEW lock PD
N01 note HEAD_INJURY_OLD - - PD
N02 note ANTIPLATELET - - PD
N03 note DIABETES_MEDS - - NACC
N04 note HEAD_SPINE_SURGERY_OLD - - PD
N05 note SPINE_FRACTURE_OLD - - PD
N06 note LUMBAR_OLD - - PD
R99 cleared CLEARED CLEARED lock PD
"""
OPTIONS = {
    "respondent_role": "self guardian",
    "reason_for_visit": "headache neck_pain chronic_pain crps fibromyalgia neuralgia scoliosis jaw post_concussion "
    "stroke_recovery digestion sleep sinus ear_infection anxiety low_mood trauma_recovery pregnancy_support "
    "after_cancer_care",
    "q_red_flags": "thunderclap stroke_signs new_neuro seizure_or_blackout meningitis_signs head_injury_worse "
    "cauda_equina chest_or_clot pregnancy_danger baby_danger none unsure",
    "q_bleeding_severity": "mild moderate severe",
    "q_blood_thinners": "none anticoagulant antiplatelet_only",
}
CLEARANCE_QUESTIONS = (
    "q_skull_fracture_date q_brain_bleed_date q_stroke_date q_head_spine_surgery_date q_spine_fracture_date "
    "q_bleeding_severity"
)
LIFETIME = (
    "q_aneurysm q_skull_fracture q_brain_bleed q_stroke q_chiari q_shunt q_csf_leak q_bleeding_disorder "
    "q_brain_tumour q_head_spine_surgery q_seizure"
)


def test_every_question_is_asked_in_its_type_and_its_case() -> None:
    assert [asked(question) for question in QUESTIONS.values()] == ASKED.split("\n")[1:-1]
    assert len(QUESTIONS) == 48


def test_every_list_of_options_is_the_one_specified() -> None:
    assert {q.id: " ".join(option.value for option in q.options) for q in QUESTIONS.values() if q.options} == OPTIONS
    assert {o.value for o in QUESTIONS["q_red_flags"].options if not o.urgent} == {"none"}


def test_only_the_reason_and_the_free_text_may_be_left_out() -> None:
    assert {q.id for q in QUESTIONS.values() if not q.required} == {"reason_for_visit", "q_other_text"}
    assert {q.id for q in QUESTIONS.values() if q.essential} == {"respondent_role", "dob"}


def test_numbers_and_texts_have_their_bounds() -> None:
    assert {q.id: (q.limits.least, q.limits.most) for q in QUESTIONS.values() if q.limits.least} == {
        "q_pregnancy_weeks": (1, 43)
    }
    assert {q.id: q.limits.longest for q in QUESTIONS.values() if q.limits.longest} == {"q_other_text": 500}


def test_the_signs_that_need_help_now_are_the_first_question_about_health() -> None:
    assert next(name for name in QUESTIONS if name.startswith("q_")) == "q_red_flags"


def test_no_group_asks_more_than_six_questions() -> None:
    for form in CATALOGUE.forms.values():
        for group in form.questionnaire.groups:
            asked_first = [q for q in form.questionnaire.questions if q.group == group.id and not follows(q)]
            assert 0 < len(asked_first) <= 6, group.id


def test_every_rule_is_the_one_specified() -> None:
    assert [ruled(rule) for rule in sorted(RULES.values(), key=by_row)] == RULED.split("\n")[1:-1]
    assert len(RULES) == 67


def test_what_an_open_answer_may_hide_and_what_lasts_a_lifetime_is_listed() -> None:
    assert FORM.ruleset.clearance_questions == set(CLEARANCE_QUESTIONS.split())
    listed = {rule.id for rule in RULES.values() if rule.clearance is Clearance.ON_LISTED_QUESTIONS}
    assert listed == {"R70", "R71", "R72", "R85", "R86"}
    assert getattr(RULES["R87"].when, "among", None) == set(LIFETIME.split())


def test_an_approval_in_pregnancy_counts_for_weeks() -> None:
    approved = {rule.id: rule.approve_for for rule in RULES.values() if rule.approve_for}
    assert approved == {"R42": (28, 42), "R55": (28, 42), "R56": (28, 42)}


def test_every_code_has_a_message_an_explanation_and_a_source_in_every_language() -> None:
    for form in CATALOGUE.forms.values():
        for rule in form.ruleset.rules:
            assert rule.explanation.keys() == CATALOGUE.texts.keys()
            assert all(rule.explanation.values())
            assert all(form.ruleset.sources[tag] for tag in rule.sources)
            for texts in CATALOGUE.texts.values():
                assert all(by_key[key] for by_key in texts.texts.values() for key in rule.messages)


def test_every_source_is_used() -> None:
    for form in CATALOGUE.forms.values():
        assert {tag for rule in form.ruleset.rules for tag in rule.sources} == form.ruleset.sources.keys()


def test_there_is_a_text_for_each_message_key_in_each_language_and_for_each_reader() -> None:
    assert CATALOGUE.texts.keys() == {"en", "es"}
    for texts in CATALOGUE.texts.values():
        assert all(by_key.keys() == {*MESSAGES, *LATER} for by_key in texts.texts.values())


def asked(question: Question) -> str:
    return f"{question.id} {question.type} {_when(question.shown_when)}"


def follows(question: Question) -> bool:
    return any(getattr(part, "question", None) for part in _parts(question.shown_when))


def ruled(rule: Rule) -> str:
    marks = {
        "lock": rule.lock,
        "urgent": rule.urgent,
        "clearance": rule.clearance is Clearance.YES,
        "time": rule.time_limited,
    }
    said = ",".join(name for name, holds in marks.items() if holds) or "-"
    return f"{rule.id} {rule.effect} {rule.code} {'+'.join(rule.messages) or '-'} {said} {' '.join(rule.sources)}"


def by_row(rule: Rule) -> tuple[bool, bool, str]:
    """As the table has them: the notes after the rules, and what is left at the very end."""
    return rule.id == "R99", rule.id.startswith("N"), rule.id


def _parts(condition: Condition | None) -> Iterable[Condition]:
    return condition.parts() if condition else ()


def _when(condition: Condition | None) -> str:
    match condition:
        case None:
            return "always"
        case Is(question="respondent_role", values=values):
            return "|".join(str(value) for value in values)
        case Is(question=question, values=values):
            return f"{question}={'|'.join(str(value) for value in values)}"
        case Age(band=Band(low=None, high=int() as high)):
            return f"age<{high}"
        case Age(band=Band(low=int() as low, high=int() as high)):
            return f"age{low}-{high - 1}"
        case All(of=of):
            return ",".join(_when(part) for part in of)
        case _:
            raise AssertionError("no question of the specification is shown so")
