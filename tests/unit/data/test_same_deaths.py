"""The same deaths in several ways of writing them are the same features."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from tests.unit.data.files import csv_bytes, feature_names, load
from tuner_job.data import DataConfig, VaDataset
from tuner_job.data.instruments.who import Who
from tuner_job.data.load import FORMATS
from tuner_job.data.new_rows import read_new

CAUSES = ("Malaria", "Stroke", "Pneumonia")
N = 60
RNG = np.random.default_rng(3)


def draw(answers: str) -> list[str]:
    return [str(answer) for answer in RNG.choice(answers.split("|"), N)]


def table(columns: Mapping[str, Sequence[object]]) -> list[dict[str, str]]:
    return [{name: str(values[row]) for name, values in columns.items()} for row in range(N)]


def read(rows: list[dict[str, str]], data: VaDataset, **config: Any) -> np.ndarray:
    assert data.codebook is not None
    content = csv_bytes(rows)
    asked = DataConfig(source="new.csv", **config)
    return read_new(asked, data.codebook, data.causes, {"new.csv": content}.__getitem__).X


CAUSE = [CAUSES[row % 3] for row in range(N)]
FEVER = draw("Yes|No|Don't Know|Refused to Answer|")
SEVERITY = draw("Mild|Moderate|Severe|Don't Know")
SEX = draw("Male|Female")
YEARS = draw("1|2|5|9")


def code(answers: Sequence[str], codes: str) -> list[str]:
    of = dict(pair.split("=") for pair in codes.split("|"))
    return [of.get(answer, answer) for answer in answers]


LABELLED = table(
    {
        "site": ["AP"] * N,
        "module": ["Child"] * N,
        "gs_text34": CAUSE,
        "g1_05": SEX,
        "g1_07a": YEARS,
        "c4_01": FEVER,
        "c4_04": SEVERITY,
    }
)
CODED = table(
    {
        "SITE": ["AP"] * N,
        "MODULE": ["Child"] * N,
        "GS_TEXT34": CAUSE,
        "G1_05": code(SEX, "Male=1|Female=2"),
        "G1_07A": YEARS,
        "C4_01": code(FEVER, "Yes=1|No=0|Don't Know=9|Refused to Answer=8"),
        "C4_04": code(SEVERITY, "Mild=1|Moderate=2|Severe=3|Don't Know=9"),
    }
)


def test_phmrc_with_and_without_labels() -> None:
    labelled, coded = (load(csv_bytes(rows), format="phmrc") for rows in (LABELLED, CODED))
    assert feature_names(labelled) == feature_names(coded)
    assert {"c4_01", "c4_04=Moderate", "g1_05=Male", "age_years"} <= {*feature_names(coded)}
    np.testing.assert_array_equal(labelled.X, coded.X)
    np.testing.assert_array_equal(read(CODED, labelled, format="phmrc"), labelled.X)
    np.testing.assert_array_equal(read(LABELLED, coded, format="phmrc"), coded.X)


COUGH = draw("Y||.")
CHILLS = draw("Y||.")
OPENVA = table({"ID": range(N), "cause": CAUSE, "i153o": COUGH, "i154o": CHILLS})


def test_openva_in_both_codings_and_with_the_na_of_r() -> None:
    first = load(csv_bytes(OPENVA), format="openva")
    assert feature_names(first) == ["i153o", "i154o"]
    expected = [{"Y": 1.0, "": 0.0, ".": np.nan}[answer] for answer in COUGH]
    np.testing.assert_array_equal(first.X[:, 0], expected)
    names = ("i153o", "i154o")
    second = [
        row | {name: {"Y": "y", "": "n", ".": "-"}[row[name]] for name in names} for row in OPENVA
    ]
    np.testing.assert_array_equal(load(csv_bytes(second), format="openva").X, first.X)
    of_r = [row | {name: row[name].replace(".", "NA") for name in names} for row in OPENVA]
    np.testing.assert_array_equal(load(csv_bytes(of_r), format="openva").X, first.X)


def test_openva_with_one_stray_symbol_is_read_as_before() -> None:
    row = next(index for index, answer in enumerate(COUGH) if not answer)
    stray = [dict(one) for one in OPENVA]
    stray[row]["i153o"] = "N"
    data = load(csv_bytes(stray), format="openva")
    np.testing.assert_array_equal(data.X, load(csv_bytes(OPENVA), format="openva").X)
    assert f"N in column i153o, row {row + 2} (the header is row 1)" in data.notes[0]


WORDS = ("Fever", "Malaria", "Heart_attack")
SAID = draw("Fever Malaria|Heart_attack|None|dk|")
DAYS = [int(days) for days in RNG.integers(1, 200, N)]
AGES = [int(age) for age in RNG.integers(0, 90, N)]
SYMPTOM = draw("yes|no|dk|ref|")
BRIEFCASE = table(
    {
        "SubmissionDate": ["Dec 11, 2018"] * N,
        "consented-deceased_CRVS-info_on_deceased-Id10019": draw("male|female"),
        "consented-deceased_CRVS-info_on_deceased-age_adult": AGES,
        "consented-illhistory-Id10147": SYMPTOM,
        "consented-illhistory-illdur-id10120_unit": ["days"] * N,
        "consented-illhistory-illdur-Id10120_1": DAYS,
        "consented-narrat-Id10476": [f"The story of {row}" for row in range(N)],
        "consented-narrat-Id10477": SAID,
        "meta-instanceID": [f"uuid:{row}" for row in range(N)],
        "cause": CAUSE,
    }
)


def test_who_as_briefcase_central_and_kobo_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "who", Who())
    data = load(csv_bytes(BRIEFCASE), format="who")
    assert feature_names(data) == [
        *("Id10019=female", "Id10019=male", "Id10147", "Id10120", "Id10477/Fever"),
        *("Id10477/Heart_attack", "Id10477/Malaria", "age_years"),
    ]
    kobo = [
        {
            **{name.replace("-", "/"): answer for name, answer in row.items() if name != "cause"},
            **{
                f"consented/narrat/Id10477/{word}": str(int(word in said.split())) if said else ""
                for word in (*WORDS, "dk")
            },
            "_uuid": "1",
        }
        for row, said in zip(BRIEFCASE, SAID, strict=True)
    ]
    for row in kobo:
        del row["consented/narrat/Id10477"]
    # The form gives every answer a column, chosen or not.
    others = {f"consented/narrat/Id10477/{word}": "0" for word in ("Dialysis", "Suicide")}
    np.testing.assert_array_equal(read([row | others for row in kobo], data, format="who"), data.X)
