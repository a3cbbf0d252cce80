"""The files of tests/cases, tuned for real, and what is predicted with two of them."""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.experiments import run, tune, write

CASES = sorted((Path(__file__).parents[1] / "cases").iterdir())
LOOKED_AT = ("62", "63", "66", "69")
"""Those of which more is looked at; how all are read is a unit test."""
REFUSED = "63-openva-read-as-table"

pytestmark = pytest.mark.timeout(1500)


def experiment(folder: Path, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A case's experiment file in a folder of its own."""
    content = yaml.safe_load((folder / "experiment.yaml").read_text())
    content["data"]["source"] = str(folder / "data.csv")
    return write(tmp_path, content), content


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    "folder",
    [
        one if one.name[:2] in LOOKED_AT else pytest.param(one, marks=pytest.mark.long)
        for one in CASES
    ],
    ids=lambda folder: folder.name,
)
def test_a_case_is_tuned_or_refused_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    path, _ = experiment(folder, tmp_path)
    code, out, err = run("tune", path, "--results", tmp_path / "results")
    assert "Traceback" not in out + err
    if folder.name == REFUSED:
        assert code == 2
        assert "format: openva" in " ".join(err.split())
    else:
        assert code == 0, err
        (default,) = (tmp_path / "results").glob("*/*/trials/default.json")
        assert {"count", "mean", "bayes(300)"} < set(json.loads(default.read_text())["csmf"])
    if folder.name.startswith("66"):
        code, out, err = run("validate", path)
        said = " ".join((out + err).split())
        assert "so trained on in every fold: OneCause (1 cause), Tiny (1 death)" in said
        (summary,) = (tmp_path / "results").rglob("summary.json")
        assert "OneCause" in summary.read_text()
    if folder.name.startswith("62"):
        _predicts_other_spellings(folder, tmp_path)
    if folder.name.startswith("69"):
        _refuses_other_codes(folder, tmp_path)


def _predicts_other_spellings(folder: Path, tmp_path: Path) -> None:
    """Male and female are Male and Female: nothing is said, and the file's own spelling gives the
    same."""
    texts = [(folder / "new.csv").read_text()]
    texts.append(texts[0].replace("female", "Female").replace(",male", ",Male"))
    predicted = []
    for number, text in enumerate(texts):
        new, output = tmp_path / f"new{number}.csv", tmp_path / f"out{number}.csv"
        new.write_text(text)
        code, _, err = run("predict", str(tmp_path / "results"), new, "--output", output)
        assert (code, "did not know" in err) == (0, False), err
        predicted.append(rows(output.read_text()))
    assert texts[0] != texts[1]
    assert predicted[0] == predicted[1]
    assert {row["doubtful_answers"] for row in predicted[0]} == {"0"}


def _refuses_other_codes(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    code, _, err = run("predict", str(tmp_path / "results"), folder / "new.csv", "--output", output)
    said = " ".join(err.split())
    assert code == 2
    assert not output.exists()
    for words in ("column born: ", "in 150 rows (training: Alive, Dead)", "column cough: 2 in"):
        assert words in said


def test_results_hold_no_text_of_columns_that_were_left_out(tmp_path: Path) -> None:
    lines = ["champsid,interviewer,visited,notes,place,fever,age,cause"]
    for i in range(60):
        cause = ("Malaria", "Pneumonia", "Stroke")[i % 3]
        place = ("home", "clinic", "Planted place")[2 if i == 7 else i % 2]
        lines.append(
            f"Planted{i},Planted Ann {i % 3},2020-01-{i % 28 + 1:02},Planted story {i},{place},"
            f"{('yes', 'no')[(i // 3) % 2]},{(i * 7) % 60},{cause}"
        )
    (tmp_path / "deaths.csv").write_text("\n".join(lines) + "\n")
    path = write(
        tmp_path,
        {"name": "planted", "data": {"source": str(tmp_path / "deaths.csv"), "label": "cause"}},
        models=["random_forest"],
        tuning={"search_method": "random", "n_trials": 1, "cv_folds": 3},
    )
    tune(path, tmp_path / "results")
    held = [file for file in (tmp_path / "results").rglob("*") if file.is_file()]
    assert any(file.suffix == ".bin" for file in held)
    contents = {str(file): file.read_bytes() for file in held}
    for file in held:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                contents |= {f"{file}/{name}": archive.read(name) for name in archive.namelist()}
    texts = (b"Planted", b"planted1", b"2020-01-", b"Ann")
    assert [
        (name, text) for name, found in contents.items() for text in texts if text in found
    ] == []
