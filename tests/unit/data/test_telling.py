"""Columns that tell the cause are refused or left out; honest symptoms never are."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tests.unit.data.training import train
from tuner_job.data.telling import is_known_label
from tuner_job.errors import DataError

KNOWN = """
gs_code34|GS_TEXT46|gs_comorbid1|gs_level|va34|VA55|cod5|COD|cause|Cause|CAUSE1|cause2|cause34
cause_of_death|CauseOfDeath|cause.of.death|Cause of Death (ICD10)|causeofdeath|cause_code34|ucod
underlying_cause|UnderlyingCause|underlying_cause_icd10|immediate_cause|final_cod|icd10|ICD-10
icd_10_code|ICD10Code|CID10|cie-10|lik1|PROB1|comcat|indet|PREGSTAT|insilico_cause|InterVA.CAUSE1
tariff_cause|smartva_cause|pcva_cause|physician1_cause|coder1_icd|causa_basica|causa básica
causa_de_muerte|cause_deces|cause_du_deces|gbd_level2|broad_cause|cause_category|va_cause
"""
HONEST = """
age|physician|physician_seen|doctor|va_age|vaccinated|codeine|cough|caused_by_injury|injury_cause
because|icu|prob|indeterminate|decoded|main_symptom|true_age|hospital|name|coder|cord|uc_pain
primary_school|direct_contact|level|text|codes_x|tariffs_paid
"""


def each(text: str) -> list[str]:
    return [one for line in text.strip("\n").split("\n") for one in line.split("|")]


@pytest.mark.parametrize("name", each(KNOWN))
def test_labels_of_known_instruments(name: str) -> None:
    assert is_known_label(name, "choice")
    assert is_known_label(name, "number")


@pytest.mark.parametrize("name", each(HONEST))
def test_symptoms_whose_names_are_like_labels(name: str) -> None:
    assert not is_known_label(name, "yes_no")


Answer = Callable[[int, np.random.Generator], object]
"""What is answered of a death of the cause with this number."""


def refusal(
    name: str, answer: Answer, n_causes: int, n: int = 300, skewed: bool = False
) -> str | None:
    rng = np.random.default_rng(n_causes + n)
    weights = np.arange(1, n_causes + 1) ** (1.0 if skewed else 0.0)
    y = rng.choice(n_causes, n, p=weights / weights.sum())
    lines = [f'"{name}",cause,age,cough\n']
    for cause in y.tolist():
        told = str(answer(cause, rng))
        lines.append(
            f'"{told}",Cause {cause},{rng.integers(90)},{("yes", "no")[rng.integers(2)]}\n'
        )
    try:
        train("".join(lines))
    except DataError as error:
        return str(error)
    return None


def some(*answers: object, p: Sequence[float] | None = None) -> Answer:
    return lambda _, rng: answers[int(rng.choice(len(answers), p=p))]


LEAKS: dict[str, tuple[Answer, int]] = {
    "codes": (lambda cause, _: cause + 1, 12),
    "other codes": (lambda cause, _: (cause * 7 + 3) % 12, 12),
    "text": (lambda cause, _: f"K{cause}", 12),
    "three causes": (lambda cause, _: f"K{cause}", 3),
    "two causes": (lambda cause, _: f"K{cause}", 2),
    "four in codes": (lambda cause, _: cause + 1, 4),
    "one in a hundred wrong": (
        lambda cause, rng: f"K{0 if rng.random() < 0.01 else cause}",
        12,
    ),
    "one in twenty wrong": (
        lambda cause, rng: f"K{rng.integers(12) if rng.random() < 0.05 else cause}",
        12,
    ),
    "what a physician thought": (
        lambda cause, rng: f"Cause {rng.integers(8) if rng.random() < 0.25 else cause}",
        8,
    ),
    "two codes a cause": (lambda cause, rng: f"K{cause}.{rng.integers(2)}", 12),
    "five groups": (lambda cause, _: f"group {cause % 5}", 12),
    "five groups in codes": (lambda cause, _: cause % 5 + 1, 12),
    "three groups": (lambda cause, _: ("CD", "NCD", "injury")[cause % 3], 12),
    "of most rows blank": (lambda cause, rng: "" if rng.random() < 0.6 else f"K{cause}", 12),
}


@pytest.mark.parametrize("what", LEAKS)
def test_a_column_that_tells_the_cause_is_refused_with_the_line_to_write(what: str) -> None:
    answer, n_causes = LEAKS[what]
    found = refusal("q, 7", answer, n_causes)
    assert found is not None
    assert "must not give away the cause; found q, 7 (" in found
    assert 'data.drop: ["q, 7"]' in found


STRONG = {
    "nine in ten": (
        lambda cause, rng: f"K{cause if rng.random() < 0.9 else rng.integers(4)}",
        4,
    ),
    "sex of maternal causes": (
        lambda cause, rng: "F" if cause == 0 else some("F", "M")(cause, rng),
        4,
    ),
    "sex, two causes": (lambda cause, _: ("F", "M")[cause], 2),
    "age groups": (lambda cause, _: ("neonate", "child", "adult")[cause % 3], 9),
    "ages in years": (lambda cause, _: ("0-4", "5-14", "15-49", "50+")[cause % 4], 9),
    "age": (lambda cause, rng: 100 * cause + rng.integers(0, 90), 9),
    "a cause by chance": (some("Cause 0", "Cause 1", "Cause 2", "Cause 3"), 4),
    "a past illness": (
        lambda cause, rng: f"Cause {cause}" if rng.random() < 0.6 else "none",
        4,
    ),
    "alive or dead": (lambda cause, _: ("Alive", "Dead")[cause == 0], 3),
    "kind of injury": (
        lambda cause, _: ("road", "water", "fall", "fire")[cause] if cause < 4 else "",
        12,
    ),
    "kind of injury, by the names of causes": (
        lambda cause, _: f"Cause {cause}" if cause < 4 else "",
        12,
    ),
    "yes or no": (lambda cause, _: ("yes", "no")[cause], 2),
    "chance": (some(1, 2, 3, p=[0.8, 0.1, 0.1]), 4),
}


@pytest.mark.parametrize("what", STRONG)
@pytest.mark.parametrize("n", [40, 80, 300, 1500])
def test_an_honest_answer_is_not_refused(what: str, n: int) -> None:
    answer, n_causes = STRONG[what]
    assert refusal("q7", answer, n_causes, n) is None
    assert refusal("q7", answer, n_causes, n, skewed=True) is None


def test_causes_of_one_death_each_give_nothing_away() -> None:
    for n in (30, 60):
        assert refusal("q7", some("a", "b", "c"), n, n) is None


@pytest.mark.parametrize("name", ["cause_{}", "{}", "is {}", "dx.{}"])
def test_columns_that_a_list_of_causes_was_made_into_are_refused(name: str) -> None:
    causes = ["Malaria", "Road traffic", "TB"]
    lines = ["cause,fever," + ",".join(name.format(cause) for cause in causes)]
    for i in range(60):
        dummies = ",".join(str(int(i % 3 == k)) for k in range(3))
        lines.append(f"{causes[i % 3]},{('yes', 'no')[i // 3 % 2]},{dummies}")
    with pytest.raises(DataError, match=r"\(tells who died of the cause that it names\)"):
        train("\n".join(lines) + "\n")


def test_a_past_diagnosis_of_the_same_name_is_a_symptom() -> None:
    lines = ["cause,malaria"]
    lines += [f"{('Malaria', 'Stroke')[i % 2]},{('yes', 'no')[i % 7 % 2]}" for i in range(60)]
    assert train("\n".join(lines) + "\n").features[0].name == "malaria"


def test_a_stated_kind_makes_a_column_a_symptom() -> None:
    lines = ["cause,road"]
    lines += [f"{'abc'[i % 3]},{('car', 'boat', 'mule')[i % 3]}" for i in range(90)]
    text = "\n".join(lines) + "\n"
    with pytest.raises(DataError, match="must not give away"):
        train(text)
    assert len(train(text, columns={"road": {"kind": "choice"}}).features) == 3
