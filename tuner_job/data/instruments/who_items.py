"""The items of the WHO verbal autopsy questionnaires 2016 (1.4 to 1.5.3) and 2022.

Sources for names, kinds and answers: the questionnaires' XLSForms as pyCrossVA's mappings and
sample exports (github.com/verbal-autopsy-software/pyCrossVA), SmartVA-Analyze
(`smartva/data/who_data.py`) and VA Explorer's form of the 2016 questionnaire give them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tuner_job.data.instruments.formats import Hint

DAYS_A: Mapping[str, float] = {
    "minutes": 1 / 1440,
    "hours": 1 / 24,
    "days": 1.0,
    "weeks": 7.0,
    "months": 30.0,
    "years": 365.0,
}
"""As the questionnaire itself converts."""


@dataclass(frozen=True)
class Duration:
    """An item whose answer is a number in one of several columns, one a unit.

    Attributes
    ----------
    unit_item
        Which unit was chosen.
    parts
        Items that hold the number, each with its unit; ``""`` is the unit that was chosen.
    """

    unit_item: str
    parts: tuple[tuple[str, str], ...]


def _listed(numbers: str) -> frozenset[str]:
    return frozenset(f"Id{number}" for number in numbers.split())


def _parts(unit_item: str, parts: str) -> Duration:
    pairs = [part.rpartition(":") for part in parts.split()]
    return Duration(unit_item, tuple((name, unit) for name, _, unit in pairs))


def _lettered(number: int, units: str) -> Duration:
    letters = zip("abc", units.split(), strict=False)
    parts = tuple((f"Id{number}_{letter}", unit) for letter, unit in letters)
    return Duration(f"Id{number}_units", parts)


# The first of two parts in days is asked for neonates.
DURATIONS: Mapping[str, Duration] = {
    "Id10120": _parts("Id10120_unit", "Id10120_0:days Id10120_1:days Id10121:months Id10122:years"),
    "Id10161": _parts("Id10161_unit", "Id10161_0:days Id10161_1:days Id10162:months Id10163:years"),
    "Id10178": _parts("Id10178_unit", "Id10178:minutes Id10179:hours Id10179_1:days"),
    "Id10197": _parts("Id10196_unit", "Id10196:hours Id10197_a:days Id10198:months"),
    "Id10201": _parts("Id10201_unit", "Id10201_a:days Id10202:months"),
    "Id10205": _parts("Id10205_unit", "Id10205_a:days Id10206:months"),
    "Id10358": _parts("Id10358_units", "Id10358:months Id10359:days Id10359_a:weeks"),
    "Id10379": _parts("Id10379_unit", "Id10379:hours Id10380:days"),
    "Id10413_d": _parts("Id10413_a", "Id10413_d:"),
    "Id10414_d": _parts("Id10414_a", "Id10414_d:"),
    **{f"Id{n}": _lettered(n, "days days months") for n in (10148, 10167, 10169, 10184, 10274)},
    **{f"Id{n}": _lettered(n, "days months") for n in (10154, 10182, 10190, 10209, 10211, 10213)},
    **{f"Id{n}": _lettered(n, "days months") for n in (10232, 10248, 10250, 10262, 10266)},
    "Id10216": _lettered(10216, "hours days"),
    "Id10352": _lettered(10352, "months years"),
}
PART_OF: Mapping[str, str] = {
    part: target
    for target, duration in DURATIONS.items()
    for part in (duration.unit_item, *(name for name, _ in duration.parts))
    if part != target
}
"""Items that only say a part of another one, with that one."""

_KEYWORDS = "Chronic_kidney_disease Dialysis Fever Heart_attack Heart_problem Jaundice"
_CARE = "traditional_healer homeopath religious_leader government_hospital private_hospital"
SELECTS: Mapping[str, tuple[str, ...]] = {
    item: tuple(options.split())
    for item, options in {
        "Id10173": "wheezing grunting stridor",
        "Id10199": "upper_abdomen lower_abdomen upper_lower_abdomen"
        " upper_right upper_left lower_right lower_left all_over",
        "Id10235": "face trunk abdomen extremities everywhere",
        "Id10260": "right_side left_side lower_part_of_body upper_part_of_body one_leg_only"
        " one_arm_only whole_body other",
        "Id10414": "cigarettes pipe chewing_tobacco local_form_of_tobacco other",
        "Id10431": "BCG DPT_123 HepB Hib Measles Meningitis Penta_123 Pneumo Polio_123 Rota",
        "Id10433": f"{_CARE} govment_health_center_or_clinic community_based_pract_system"
        " trained_birth_attendant private_physician relative_friend pharmacy",
        "Id10477": f"{_KEYWORDS} Liver_failure Malaria Pneumonia Renal_kidney_failure Suicide",
        "Id10478": "abdomen cancer dehydration dengue diarrhea fever heart_problem jaundice"
        " pneumonia rash",
        "Id10479": "asphyxia incubator lung_problem pneumonia preterm_delivery"
        " respiratory_distress",
    }.items()
}
"""Items with several answers at a time, with the answers of both questionnaires."""
SAME_SELECT: Mapping[str, str] = {"Id10173_nc": "Id10173", "Id10173_a": "Id10173"}
"""Items that ask the same of children and of adults."""
YES_MEANS: Mapping[str, str] = {"Id10173": "wheezing"}
"""Adults are asked for wheezing alone, by yes and no."""
ALSO_YES_NO = frozenset({"Id10260", "Id10414"})
"""Select-multiples of 2016 that 2022 asks by yes and no, and something else by it."""

_AGES = ("ageInDays", "ageInDays2", "ageInDaysNeonate", "ageInYears", "ageInYears2", "ageInMonths")
AGE_ITEMS = (
    *_AGES,
    *("ageInMonthsByYear", "age_neonate_days", "age_neonate_hours", "age_child_days"),
    *("age_child_months", "age_child_years", "age_adult"),
)
AGE_HELPERS = (
    *("age_group", "age_child_unit", "ageInYearsRemain", "ageInMonthsRemain"),
    *(f"is{group}{n}" for group in ("Neonatal", "Child", "Adult") for n in ("", "1", "2")),
    *("displayAgeNeonate", "displayAgeChild", "displayAgeAdult"),
)

_UNITS: Mapping[str, str] = {
    **dict.fromkeys(("Id10108", "Id10332", "Id10382"), "hours"),
    **dict.fromkeys(("Id10176", "Id10234", "Id10285", "Id10351"), "days"),
    **dict.fromkeys(("Id10106", "Id10221"), "minutes"),
    **dict.fromkeys(("Id10309", "Id10367"), "months"),
    **dict.fromkeys(("Id10319", "Id10394"), "births"),
    **dict.fromkeys(("Id10415", "Id10416"), "a day"),
    "Id10183": "stools a day",
    "Id10303": "weeks",
    "Id10392": "doses",
}
_WEIGHTS = frozenset({"Id10366", "Id10442", "Id10443"})
_CHOICES = _listed(
    "10004 10019 10058 10059 10077_a 10080 10081 10088 10150 10151 10165 10203 10263 10337 10339 "
    "10355 10357 10360 10385 10484"
)
_BY_VERSION = frozenset({"Id10317", "Id10376"})
"""Yes or no in 2016, a choice in 2022: the cells tell."""

_RANGES: Mapping[str, tuple[tuple[int, int], ...]] = {
    "not about the illness": ((10001, 10003), (10051, 10057), (10063, 10066)),
    "the interview": ((10005, 10016), (10481, 10481)),
    "a name": ((10017, 10018), (10061, 10062)),
    "a date": ((10020, 10024), (10060, 10060), (10439, 10441)),
    "the death certificate": ((10069, 10073), (10462, 10473)),
    "a health record": ((10437, 10438),),
    "free text": ((10434, 10434), (10436, 10436), (10444, 10444)),
    "the narrative": ((10476, 10476),),
}
_WRITTEN_DOWN = ("_other", "_oth", "_specify", "_spec", "_text", "_note")
"""What projects add to a choice, for what none of its answers says."""
_ASKED = ((10077, 10459), (10482, 10499))
_NUMBER_UNKNOWN = frozenset({"88", "99"})
UNKNOWN = frozenset({"dk", "ref", "8", "9", "88", "99"})
YES_NO = Hint(kind="yes_no", yes=frozenset({"1"}), no=frozenset({"0", "2"}), missing=UNKNOWN)


def item_hint(name: str) -> Hint | None:
    """What is known of an item by its name in the questionnaire; ``None`` if nothing is."""
    number = int(name[2:7])
    for reason, ranges in _RANGES.items():
        if any(first <= number <= last for first, last in ranges):
            return Hint(left_out=reason)
    if name.endswith(_WRITTEN_DOWN):
        return Hint(left_out="free text")
    if "_check" in name or name == "Id10077_b":
        return Hint(left_out="a check of the form")
    if name in _UNITS:
        return Hint(kind="number", unit=_UNITS[name], missing=_NUMBER_UNKNOWN)
    if name in _WEIGHTS:
        return Hint(kind="number", missing=frozenset({"88", "99", "8888", "9999"}))
    if name in _CHOICES:
        labels = {"1": "male", "2": "female"} if name == "Id10019" else {}
        return Hint(kind="choice", labels=labels, missing=UNKNOWN)
    asked = any(first <= number <= last for first, last in _ASKED)
    return YES_NO if asked and name not in _BY_VERSION else None
