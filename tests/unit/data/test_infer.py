"""What kinds columns are of, what is said of doubtful ones, and what the experiment file states."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.unit.data.files import column, feature_names
from tests.unit.data.training import Answers, one_of, sheet, train, whole
from tuner_job.data import DataConfig, VaDataset
from tuner_job.errors import DataError

ASIDE: Answers = {"fever": one_of("yes", "no")}


def trained(*answers: object, name: str = "q", n: int = 200, **config: Any) -> VaDataset:
    return train(sheet({name: one_of(*answers), **ASIDE}, n), **config)


def features(data: VaDataset) -> list[str]:
    return [name for name in feature_names(data) if name != "fever"]


def values(data: VaDataset, name: str) -> set[float]:
    return {value for value in column(data, name) if not np.isnan(value)}


def said(data: VaDataset) -> str:
    return "\n".join(note for note in data.notes if "copies" not in note and "chance" not in note)


@pytest.mark.parametrize(
    "answers",
    [
        ("Yes", "No", "Don't Know", "Refused to Answer"),
        ("yes", "no", "dk", "ref", "DK"),
        ("Oui", "Non", "Ne sait pas", "Refusé"),
        ("O", "N", "NSP"),
        ("Sim", "Não", "NAO", "não sabe", "NS"),
        ("S", "N", "NS"),
        ("Sí", "si", "No", "no sabe", "NS/NR"),
        ("TRUE", "FALSE", "NA"),
        ("Y", "N", "U"),
        ("Yes.", "NO", "y", "n!", "1", "0"),
        ("1", "0", ".", ".a"),
        ("1.0", "0.0", "#N/A"),
        ("Yes\u200b", "No", "\u00a0"),
    ],
)
def test_yes_and_no_in_all_their_spellings_are_one_feature(answers: tuple[str, ...]) -> None:
    data = trained(*answers)
    assert features(data) == ["q"]
    assert values(data, "q") == {0.0, 1.0}
    assert said(data) == ""


@pytest.mark.parametrize(
    ("answers", "names"),
    [
        (("M", "F", "unknown"), ["q=F", "q=M"]),
        (("None", "Mild", "Severe"), ["q=Mild", "q=None", "q=Severe"]),
        (("1. Yes", "2. No", "9. Don't know"), ["q=1. Yes", "q=2. No"]),
        (("Yes", "No", "Sometimes"), ["q=No", "q=Sometimes", "q=Yes"]),
        (("home", "Home ", "HOME", "road"), ["q=home", "q=road"]),
        (("1. Sí", "2. No", "9. NS/NR", "8=NS"), ["q=1. Sí", "q=2. No"]),
        (("+", "-", "?"), ["q=+", "q=-"]),
        (("0-4", "5-14", "50+"), ["q=0-4", "q=5-14", "q=50+"]),
    ],
)
def test_choices_are_a_feature_each(answers: tuple[str, ...], names: list[str]) -> None:
    assert [name.casefold().strip() for name in features(trained(*answers))] == [
        name.casefold() for name in names
    ]


@pytest.mark.parametrize(
    ("answers", "codes"),
    [
        ((0, 1, 2), "yes: [1], no: [0], missing: [2]"),
        ((0, 1, 9), "yes: [1], no: [0], missing: [9]"),
        ((1, 2, 9), "yes: [1], no: [2], missing: [9]"),
        ((1, 2, 8, 9), "yes: [1], no: [2], missing: [8, 9]"),
        ((1, 2, 3), "yes: [1], no: [2], missing: [3]"),
        ((0, 1, -1), "yes: [1], no: [0], missing: [-1]"),
        ((0, 1, 88, 99), "yes: [1], no: [0], missing: [88, 99]"),
        (("1.0", "2.0", "9.0"), "yes: [1], no: [2], missing: [9]"),
    ],
)
def test_codes_of_yes_and_no_are_told_with_what_to_write(
    answers: tuple[object, ...], codes: str
) -> None:
    data = trained(*answers)
    assert features(data) == ["q"]
    assert f"data.columns: {{q: {{{codes}}}}}" in said(data)
    section = {
        part.split(": ")[0]: [int(code) for code in part.split("[")[1].split(", ")]
        for part in codes.removesuffix("]").split("], ")
    }
    mended = trained(*answers, columns={"q": section})
    assert values(mended, "q") == {0.0, 1.0}
    assert np.isnan(column(mended, "q")).any()
    assert said(mended) == ""


@pytest.mark.parametrize("code", [88, 98, 99, 888, 999, 9999, -1, -9, -99, 99999])
def test_extremes_that_may_mean_missing_are_told(code: int) -> None:
    # Numbers of which none is such a code, up to near it.
    answers = [*(10, 12, 14, 20, 25), code] if code < 1000 else [2000, 2500, 3125, 3650, code]
    data = trained(*answers)
    assert f"q ({code} in " in said(data)
    assert f"data.columns: {{q: {{missing: [{code}]}}}}" in said(data)
    assert max(map(abs, column(data, "q"))) == max(abs(float(answer)) for answer in answers)
    assert said(trained(*answers, missing=[code])) == ""


@pytest.mark.parametrize("answers", [(1, 2, 3, 4, 5), (0, 1, 2, 3), (1, 2, 3, 4, 9), (1, 2, 4, 96)])
def test_few_whole_numbers_are_told(answers: tuple[int, ...]) -> None:
    found = said(trained(*answers))
    assert "1 column of few whole numbers is read as numbers: q (" in found
    assert "data.columns: {q: {kind: choice}}" in found
    assert len(features(trained(*answers, columns={"q": {"kind": "choice"}}))) == len(answers)


def test_doubts_of_many_columns_are_one_note_a_kind() -> None:
    answers = {f"s{i}": one_of(1, 2, 9) for i in range(30)}
    data = train(sheet(answers))
    assert len([note for note in data.notes if "yes and no with codes" in note]) == 1
    assert "30 columns of numbers" in said(data)
    assert "and 25 more" in said(data)


def test_honest_numbers_raise_no_doubt() -> None:
    answers = {"age": whole(0, 87), "weight": whole(800, 4400), "temp": one_of(36.5, 37.25, 40.0)}
    assert said(train(sheet(answers))) == ""


@pytest.mark.parametrize("codes", [("9",), ("88", "99"), ("-1",)])
@pytest.mark.parametrize("words", [("Yes", "No"), ("Male", "Female")])
def test_codes_among_words_are_told(words: tuple[str, ...], codes: tuple[str, ...]) -> None:
    data = trained(*words, *codes)
    for code in codes:
        assert f"{code} in " in said(data)
    assert "name them in data.missing" in said(data)
    mended = trained(*words, *codes, missing=list(codes))
    assert len(features(mended)) == (1 if "Yes" in words else 2)
    assert said(mended) == ""


def test_what_is_no_number_is_counted() -> None:
    numbers = [str(number) for number in range(60, 87)]
    data = trained(*numbers, "adult", ">80", "12 years", "dk", "NA", ".b", n=600)
    assert features(data) == ["q"]
    (note,) = said(data).split("\n")
    assert note.startswith("1 column of numbers holds words, which are read as missing: q (")
    assert note.endswith(" rows).")
    assert "NA in" not in note


def test_decimal_commas_are_numbers() -> None:
    data = train(sheet({"t": one_of("36,5", "38", "40,25", "dk")}))
    assert values(data, "t") == {36.5, 38.0, 40.25}
    assert data.codebook.used[0].decimal_comma


def test_numbers_with_units_are_left_out_and_told() -> None:
    answers = {"ill": lambda rng: f"{rng.integers(1, 30)} days", **ASIDE}
    assert said(train(sheet(answers))) == "Left out 1 column: numbers with units or signs (ill)."


@pytest.mark.parametrize(
    ("answer", "line"),
    [("Yes", "{q: {no: ['']}}"), ("x", "{q: {yes: [x], no: ['']}}"), ("1", "{q: {no: ['']}}")],
)
def test_ticks_or_blanks_are_told_with_what_to_write(answer: str, line: str) -> None:
    assert f"data.columns: {line}" in said(trained(answer, ""))
    states: dict[str, Any] = {"no": [""]} | ({"yes": ["x"]} if answer == "x" else {})
    assert set(column(trained(answer, "", columns={"q": states}), "q")) == {0.0, 1.0}


def test_a_rare_choice_is_no_feature_and_stands_nowhere() -> None:
    text = sheet({"place": one_of("home", "road"), **ASIDE}).replace("home", "Secret", 4)
    data = train(text)
    assert features(data) == ["place=home", "place=road"]
    assert "Secret" not in data.codebook.model_dump_json() + said(data)


def test_the_parts_of_a_date_are_left_out_together() -> None:
    answers = {
        "g1_01d": whole(1, 31),
        "g1_01m": one_of("January", "May", " March"),
        "g1_01y": whole(1990, 2010),
        "age_d": whole(0, 27),
        "age_m": whole(0, 11),
        "age_y": whole(0, 60),
    }
    data = train(sheet(answers))
    assert features(data) == ["age_d", "age_m", "age_y"]
    assert "dates or times (g1_01d, g1_01m, g1_01y)" in said(data)


Wrong = tuple[dict[str, Any], str]
STATED: list[Wrong] = [
    ({"columns": {"sex": {"kind": "number"}}}, r"sex \(number: \w+ in \d+ rows"),
    ({"columns": {"sex": {"kind": "yes_no"}}}, r"name its other cells in yes, no or missing"),
    ({"columns": {"code": {"kind": "yes_no"}}}, r"code \(. in \d+ rows, "),
    ({"columns": {"code": {"yes": [1]}}}, r"code \(. in \d+ rows, "),
    ({"columns": {"code": {"yes": [5], "no": [6]}}}, r"must hold nothing else"),
    ({"columns": {"zz*": {"kind": "drop"}}}, r"data\.columns names zz\*, which is not there"),
    ({"columns": {"sx": {"kind": "drop"}}}, r"names sx, which is not there \(near: sex\)"),
    ({"drop": ["zz*", "sx"]}, r"data\.drop names zz\*.*data\.drop names sx"),
    ({"causes": {"Foo": "Bar"}}, r"data\.causes must name causes of column cause; found Foo"),
    ({"id": "nobody"}, r"data\.id names nobody, which is not there"),
    ({"site": "sites"}, r"data\.site names sites, which is not there"),
    ({"drop": ["*"]}, r"as the experiment file says"),
]
SECTIONS: list[Wrong] = [
    ({"missing": 9}, "valid list"),
    ({"missing": "dk"}, "valid list"),
    ({"drop": "id"}, "valid list"),
    ({"columns": {"code": {"yes": [1], "missing": ["1.0"]}}}, "a cell must mean one thing; 1"),
    ({"columns": {"code": {"yes": [1], "kind": "number"}}}, "yes and no need kind: yes_no"),
    ({"columns": {"code": {"kind": "yesno"}}}, "'yes_no', 'number', 'choice' or 'drop'"),
    ({"columns": {"cause": {"kind": "choice"}}}, "columns must not name the label column"),
    ({"drop": ["cause"]}, "drop must not name the label column"),
    ({"id": "cause"}, "label and id must be two columns"),
    ({"columns": {"code": "yes_no"}}, "code"),
]
TABLE = sheet({"sex": one_of("M", "F"), "code": one_of(1, 2, 8, 9), "age": whole(0, 60), **ASIDE})


@pytest.mark.parametrize(("config", "said"), STATED)
def test_what_a_file_does_not_have_is_refused(config: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said) as refused:
        train(TABLE, **config)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("section", "said"), SECTIONS)
def test_a_wrong_section_is_refused(section: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DataConfig(**{"source": "f.csv", "label": "cause"} | section)


@pytest.mark.parametrize(
    ("columns", "kind", "n_values"),
    [
        ({"c*": {"missing": [1]}, "code": {"yes": [1], "no": [2], "missing": [8, 9]}}, "yes_no", 2),
        ({"c*": {"yes": [1], "no": [2]}, "code": {"kind": "number"}}, "number", 4),
        ({"c*": {"kind": "number"}, "code": {"yes": [1, 8], "no": [2, 9]}}, "yes_no", 2),
        ({"*": {"missing": [8]}, "c*": {"missing": [9]}, "code": {"kind": "choice"}}, "choice", 2),
    ],
)
def test_a_whole_name_overrides_patterns(columns: dict[str, Any], kind: str, n_values: int) -> None:
    data = train(TABLE, columns=columns)
    (variable,) = [one for one in data.codebook.used if one.name == "code"]
    assert variable.kind == kind
    if kind == "choice":
        assert len(variable.choices) == n_values
    else:
        assert len(values(data, "code")) == n_values


@pytest.mark.parametrize(
    ("causes", "merged"),
    [
        (("Malaria", "MALARIA", " malaria "), 1),
        (("Road traffic", "road-traffic", "Road  Traffic."), 1),
        (("Diarrh\u00e9e", "Diarrhe\u0301e", "Diarrhee"), 1),
        (("HIV+", "HIV-"), 2),
        (("1", "-1"), 2),
        (("1", "1.0"), 1),
        (("Stage I", "Stage II"), 2),
    ],
)
def test_spellings_of_a_cause(causes: tuple[str, ...], merged: int) -> None:
    data = train(sheet({"age": whole(0, 60), "site": one_of(*causes)}, causes=(*causes, "Other")))
    assert len(data.causes) == merged + 1


@pytest.mark.parametrize("word", ["Unknown", "NA", "dk", "Don't know", ".", "Não sabe", "#N/A"])
def test_words_for_missing_are_no_causes(word: str) -> None:
    data = train(sheet(ASIDE, causes=("Malaria", "Stroke", word)))
    assert data.causes == ("Malaria", "Stroke")
    assert "without a cause" in said(data)


@pytest.mark.parametrize(("yes", "no"), [("S", "N"), ("O", "N"), ("s", "não")])
def test_letters_mean_the_same_where_the_kind_is_stated(yes: str, no: str) -> None:
    for answers in ((yes, no, no, "NS"), (yes, yes, no, "NR")):
        found = trained(*answers)
        stated = trained(*answers, columns={"q": {"kind": "yes_no"}})
        np.testing.assert_array_equal(column(stated, "q"), column(found, "q"))
        assert values(stated, "q") == {0.0, 1.0}
        assert stated.codebook.used[0].n_unread == 0


def test_letters_that_could_be_other_answers_are_said_where_the_kind_is_stated() -> None:
    with pytest.raises(DataError, match="q"):
        trained("S", "O", "N", columns={"q": {"kind": "yes_no"}})


def test_numbers_between_0_and_1_are_numbers() -> None:
    rng = np.random.default_rng(1)
    drawn = [repr(one) for one in rng.random(300)] + [f"{one:.6f}" for one in rng.random(300)]
    data = trained(*drawn, n=400)
    assert features(data) == ["q"]
    telephones = [f"0{n:08d}" for n in rng.integers(10**8, size=300)]
    assert features(trained(*telephones, n=400)) == []


@pytest.mark.parametrize("name", ["cause_" + "1" * 60 + "x", "causa" + " muerte" * 40 + " x"])
def test_no_name_takes_long_to_be_understood(name: str) -> None:
    assert features(trained("yes", "no", name=name)) == [name]


def test_names_and_cells_without_end_are_no_riddle() -> None:
    with pytest.raises(DataError, match="column names must have at most 5,000 characters"):
        trained("yes", "no", name="x" * 5001)
    text = "a@" + "." * 200_000 + " b"
    assert trained("yes", "no", text, n=60).n_samples == 60
