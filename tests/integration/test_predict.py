"""A tuned model's predictions of new deaths, through the command line."""

import csv
import io
from pathlib import Path

import pytest

from tests.integration.experiments import run, tune, write

pytestmark = pytest.mark.timeout(1500)


def read_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_a_tuned_model_predicts_new_deaths(tmp_path: Path) -> None:
    rows = ["cause,site,fever,cough,injury,age"]
    for i in range(120):
        cause = ("malaria", "pneumonia", "road traffic")[i % 3]
        signs = [
            int(cause == "malaria" or i % 7 == 0),
            int(cause == "pneumonia"),
            int(cause == "road traffic"),
        ]
        rows.append(
            f"{cause},{'AB'[i % 2]},{signs[0]},{signs[1] if i % 5 else ''},{signs[2]},{20 + i % 50}"
        )
    (tmp_path / "deaths.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "new.csv").write_text("fever,cough,injury,age\n1,0,0,30\n0,1,0,40\n0,0,1,25\n")
    path = write(
        tmp_path,
        data={"source": "deaths.csv", "label": "cause", "site": "site"},
        models=["random_forest"],
        tuning={
            "n_trials": 3,
            "cv_folds": 3,
            "search_spaces": {"random_forest": {"n_estimators": [10, 20]}},
        },
    )
    tune(path, tmp_path / "results")
    output = tmp_path / "predictions.csv"
    fractions = tmp_path / "csmf.csv"
    code, out, err = run(
        "predict",
        str(tmp_path / "results"),
        tmp_path / "new.csv",
        "--output",
        output,
        "--csmf",
        fractions,
        "--by",
        "injury",
        "age_group",
    )
    assert code == 0, err
    assert "3 rows" in out
    predicted = read_rows(output)
    assert [row["cause"] for row in predicted] == ["malaria", "pneumonia", "road traffic"]
    for row in predicted:
        shares = [float(row[cause]) for cause in ("malaria", "pneumonia", "road traffic")]
        assert sum(shares) == pytest.approx(1, abs=1e-5)
        assert float(row["probability"]) == max(shares)
    csmf = [row for row in read_rows(fractions) if row["by"] == "all"]
    groups = dict.fromkeys((row["by"], row["group"]) for row in read_rows(fractions))
    assert list(groups)[1:] == [("injury", "0"), ("injury", "1"), ("age_group", "15–49 years")]
    assert "Causes of 3 deaths" in (tmp_path / "deaths.html").read_text()
    assert [row["cause"] for row in csmf] == ["malaria", "pneumonia", "road traffic"]
    assert sum(float(row["fraction"]) for row in csmf) == pytest.approx(1, abs=1e-5)
    code, _, err = run(
        "predict", str(tmp_path / "results"), tmp_path / "new.csv", "--output", output, "--raw"
    )
    assert code == 0, err
    raw = read_rows(output)
    assert [row["cause"] for row in raw] == [row["cause"] for row in predicted]
    assert [row["probability"] for row in raw] != [row["probability"] for row in predicted]
