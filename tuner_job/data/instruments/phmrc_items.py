"""What the codebook of the PHMRC study says of its questions: kinds, codes and answers.

Sources: the labels of the published files; the codes of the codebook as SmartVA-Analyze
(github.com/ihmeuw/SmartVA-Analyze, `smartva/data/codebook.py`) and openVA (`ConvertData.phmrc`)
give them. A question that is not here is read by its cells alone.
"""

import re
from collections.abc import Mapping

from tuner_job.data.instruments.formats import Hint

_UNKNOWN_CODES = frozenset({"8", "9", "88", "99"})
"""Refused and don't know in the files without labels."""


def _named(prefix: str, numbers: str) -> frozenset[str]:
    return frozenset(f"{prefix}_{number}" for number in numbers.split())


_YES_NO = (
    _named("a1", " ".join(f"01_{number}" for number in range(1, 15)))
    | _named("a2", "02 06 07 10 11 12 13 14 16 17 18 20 21 23 25 27 29 30 31 32 34 35 36 40 42")
    | _named("a2", "43 45 47 49 50 51 52 53 55 56 57 60 61 64 67 69 72 74 77 78 81 82 84 85")
    | _named("a3", "01 02 03 04 05 06 07 09 10 12 13 14 15 17 18 19 20")
    | _named("a4", "01 05")
    | _named("a5", "02 03")
    | _named("a6", "01")
    | _named("c1", "03 12 13 14 15 16 17 18")
    | _named("c2", "04 09 11 18")
    | _named("c3", "01 02 04 05 06 07 09 11 12 13 16 17 20 23 24 25 26 29 32 33 34 35 36 37 38 39")
    | _named("c3", "40 41 42 44 46 47 48 49")
    | _named("c4", "01 03 06 09 11 12 14 15 16 18 20 22 23 24 25 26 28 29 30 34 35 36 38 39 40 41")
    | _named("c4", "42 43 44 46 48")
    | _named("c5", "01 17 18 19")
)
# One column an answer that could be ticked: paralysis, tobacco, injuries, care sought, what was
# abnormal at birth, complications.
_TICKED = re.compile(
    r"a2_87_(\d|10a)|a4_02_([1-467]|5a)|a5_01_([1-8]|9a|1[01])|a6_02_(\d|1[01345]|12a)"
    r"|c[13]_(19|03)_([12356]|4a)|c2_01_\d+|c4_47_([1-7]|8a|9|1[01])|c5_02_(\d|1[0234]|11a)"
)
INJURIES = _named("a5_01", "1 2 3 4 5 6 7 8 9a")
"""Ticked yes or left empty at site Dar."""

_DAYS = (
    _named("a2", "01 03 08 15 22 24 26 28 33 37 41 48 54 58 62 65 68 70 73 76 79 83 86")
    | _named("a3", "08 11 16")
    | _named("a5", "04")
    | _named("c1", "05 20 21 25")
    | _named("c2", "02 05 10")
    | _named("c3", "14 18 19 21 22 27 28 30 31")
    | _named("c4", "02 08 10 13 17 19 33 37 49")
)
_UNITS: Mapping[str, str] = {
    **dict.fromkeys(_DAYS, "days"),
    **dict.fromkeys(("c1_08b", "c5_07_1", "c5_07_2"), "grams"),
    **dict.fromkeys(("c3_45b", "c4_07b"), "stools a day"),
    **dict.fromkeys(("a4_03", "a4_04"), "a day"),
}

_PLACES = "Hospital|Other Health Facility|On Route to Health Facility|Home|Other"
_PARTS = "Face|Trunk|Extremities|Everywhere|Other"
_SEVERITY = "Mild|Moderate|Severe"
_PATTERN = "Continuous|On and Off|Only at Night"
_POSITIONS = "Lying|Sitting|Walking/Exertion|Didn't matter"
_SPEED = "Rapidly/Fast|Slow(ly)"
_ONE_DAY = "Less than 1 day|One day or more"
# The answers in the order of their codes, from 1 on, as the files with labels spell them.
_ANSWERS: Mapping[str, str] = {
    **dict.fromkeys(("g1_05", "c1_09"), "Male|Female"),
    **dict.fromkeys(("a2_04", "c4_04"), _SEVERITY),
    **dict.fromkeys(("a2_05", "c4_05"), _PATTERN),
    **dict.fromkeys(("a2_09_1a", "a2_09_2a", "c4_31_1", "c4_31_2", "c4_32"), _PARTS),
    **dict.fromkeys(("a2_39_1", "a2_39_2"), _POSITIONS),
    **dict.fromkeys(("a2_63_1", "a2_63_2"), "Upper belly|Lower belly"),
    **dict.fromkeys(("a2_66", "a2_71"), _SPEED),
    **dict.fromkeys(("a2_75", "a2_80"), "Suddenly|Slowly"),
    **dict.fromkeys(("c1_06a", "c1_22a"), _PLACES),
    **dict.fromkeys(("c2_07", "c3_10", "c3_15"), _ONE_DAY),
    "a2_19": "Slight|Moderate|Large",
    "a2_38": "Continuous|On and Off",
    "a2_44": "<30 minutes|0.5-24 hours|>24 hr",
    "a2_46a": "Upper/middle chest|Lower chest|Left Arm|Other",
    "a2_59": "Solids|Liquids|Both",
    "a4_06": "Low|Moderate|High",
    "c1_01": "Singleton|Multiple",
    "c1_02": "First|Second|Third or More",
    "c1_04": "During|After",
    "c1_07": "Very small|smaller than usual|About average|larger than usual",
    "c1_08a": "Grams|Kilograms",
    "c1_11": "Alive|Dead",
    "c2_03": "Early|On time|Late",
    "c2_06": "Before|During",
    "c2_08a": "Green or brown|Clear (normal)|Other",
    "c2_12": "One|Two|Three|Four|Five or more",
    "c2_15a": "Doctor|Nurse/Midwife|Relative|Self (mother)|Traditional birth attendant|Other",
    "c2_17": "Vaginal with forceps|Vaginal without forceps|Vaginal, Don't Know|C-section",
    "c3_08": "Within 5 minutes|Within 6-30 minutes|More than 30 minutes|Never",
    "c3_45a": "Specified",
    "c4_07a": "Specified",
    "c4_27": "<6 hours|6-23 hours|24 hours or more",
}

_YES_NO_HINT = Hint(
    kind="yes_no",
    yes=frozenset({"1"}),
    no=frozenset({"0", "2"}),
    missing=_UNKNOWN_CODES,
)


def item_hint(name: str) -> Hint | None:
    """What is known of a question, by its name in lower case; ``None`` if nothing is."""
    if name in _YES_NO or _TICKED.fullmatch(name):
        return _YES_NO_HINT
    if name in _UNITS:
        return Hint(kind="number", unit=_UNITS[name])
    if name.startswith("word_"):
        return Hint(kind="number", unit="mentions")
    if name in _ANSWERS:
        answers = _ANSWERS[name].split("|")
        labels = {str(code): answer for code, answer in enumerate(answers, start=1)}
        return Hint(kind="choice", labels=labels, missing=_UNKNOWN_CODES - labels.keys())
    return None
