"""Whole runs on files with copied deaths and with sites too small to be tested on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.experiments import run, tune, write

N_DEATHS, N_FLIPS = 120, 25
FOREST: dict[str, Any] = {
    "models": ["random_forest"],
    "tuning": {
        "search_method": "random",
        "n_trials": 2,
        "cv_folds": 4,
        "search_spaces": {"random_forest": {"n_estimators": [20, 40]}},
    },
}


def coin_flips(folder: Path, times: int, sites: str = "AB") -> dict[str, str]:
    """Write deaths whose causes no column tells anything of, each so many times."""
    rng = np.random.default_rng(5)
    flips = rng.integers(0, 2, size=(N_DEATHS, N_FLIPS))
    causes = rng.integers(0, 2, size=N_DEATHS)
    lines = [",".join(["id", "cause", "site", *(f"q{i}" for i in range(N_FLIPS))])]
    rows = np.random.default_rng(times).permutation(np.repeat(np.arange(N_DEATHS), times))
    for number, row in enumerate(rows):
        site = sites[number % len(sites)]
        lines.append(f"{number},{'xy'[causes[row]]},{site},{','.join(map(str, flips[row]))}")
    path = folder / f"flips-{times}.csv"
    path.write_text("\n".join(lines) + "\n")
    return {"source": str(path), "format": "table", "label": "cause", "site": "site", "drop": "id"}


def outcome(folder: Path, **experiment: Any) -> tuple[dict[str, Any], str]:
    """Run an experiment; return its summary and what it said."""
    results = folder / "results"
    said = tune(write(folder, {"name": "deaths", **FOREST, **experiment}), results)
    return json.loads((results / "deaths" / "summary.json").read_text()), said


def cod_accuracy(summary: dict[str, Any]) -> float:
    (study,) = summary["studies"]
    accuracy: float = study["best"]["scores"]["cod_accuracy"]
    return accuracy


def test_copies_teach_a_model_nothing_of_the_deaths_it_is_tested_on(tmp_path: Path) -> None:
    found = {}
    for times in (1, 3):
        folder = tmp_path / f"copied-{times}"
        folder.mkdir()
        data = {**coin_flips(folder, times), "drop": ["id", "site"], "site": None}
        found[times] = outcome(folder, data=data, validation={"holdout": 0.2})
    once, copied = (cod_accuracy(found[times][0]) for times in (1, 3))
    # four folds of 96 deaths: the standard error of chance is .05
    assert once == pytest.approx(0.5, abs=0.15)
    assert copied == pytest.approx(0.5, abs=0.15)
    held_out = found[3][0]["studies"][0]["holdout"]["tuned"]["cod_accuracy"]
    assert held_out < 0.8, "24 deaths, whose copies would all be known"
    assert not [note for note in found[1][0]["data_notes"] if "cop" in note]
    (note,) = [note for note in found[3][0]["data_notes"] if "cop" in note]
    assert note.startswith("240 rows are copies of 120 other deaths")
    assert "240 rows are copies" in found[3][1]


def test_a_site_with_a_copy_of_another_is_not_tested_on_it(tmp_path: Path) -> None:
    data = {**coin_flips(tmp_path, 2, sites="AAAAAAAABBBBBBBBC"), "drop": ["id"]}
    summary, _ = outcome(tmp_path, data=data, validation={"scheme": "leave_one_site_out"})
    assert cod_accuracy(summary) < 0.7
    assert any("copies at another site" in note for note in summary["data_notes"])


def uneven_sites(folder: Path) -> dict[str, Any]:
    """Two sites, one of three deaths, and one of a single cause."""
    rng = np.random.default_rng(3)
    sites = ["A"] * 60 + ["B"] * 60 + ["Tiny"] * 3 + ["OneCause"] * 20
    lines = [",".join(["cause", "site", *(f"q{i}" for i in range(N_FLIPS))])]
    for site in sites:
        cause = 0 if site == "OneCause" else int(rng.integers(0, 3))
        answers = rng.random(N_FLIPS) < 0.2 + 0.5 * (np.arange(N_FLIPS) % 3 == cause)
        lines.append(f"{'xyz'[cause]},{site},{','.join(str(int(a)) for a in answers)}")
    path = folder / "sites.csv"
    path.write_text("\n".join(lines) + "\n")
    return {"source": str(path), "format": "table", "label": "cause", "site": "site"}


@pytest.mark.parametrize("method", ["random", pytest.param("asha", marks=pytest.mark.long)])
def test_small_sites_are_trained_on_and_not_tested_on(tmp_path: Path, method: str) -> None:
    summary, said = outcome(
        tmp_path,
        data=uneven_sites(tmp_path),
        validation={"scheme": "leave_one_site_out"},
        tuning={**FOREST["tuning"], "search_method": method},
    )
    assert summary["n_folds"] == 2
    (note,) = [note for note in summary["data_notes"] if "too small" in note]
    assert "OneCause (1 cause), Tiny (3 deaths)" in note
    assert "OneCause (1 cause)" in " ".join(said.split())
    assert sum(cause["n"] for cause in summary["studies"][0]["best"]["causes"]) == 120
    model = tmp_path / "results" / "deaths" / "random_forest"
    record = json.loads((model / "trials" / "000000.json").read_text())
    assert [fold["n_validation"] for fold in record["folds"]] == [60, 60]
    again = tune(tmp_path / "experiment.yaml", tmp_path / "results")
    assert "2 of 2 trials" not in again, "nothing is run again"


def test_fewer_than_two_sites_to_test_on_are_refused(tmp_path: Path) -> None:
    data = {**uneven_sites(tmp_path), "sites": ["A", "Tiny", "OneCause"]}
    path = write(
        tmp_path,
        {"name": "few", "data": data, **FOREST},
        validation={"scheme": "leave_one_site_out"},
    )
    code, _, err = run("tune", path, "--results", str(tmp_path / "results"))
    assert code == 2
    assert "needs at least two sites with at least 10 different deaths" in " ".join(err.split())
    assert "too small: OneCause (1 cause), Tiny (3 deaths)" in " ".join(err.split())


def test_a_comparison_of_sites_goes_round_those_too_small(tmp_path: Path) -> None:
    comparison = {
        "experiments": ["in_domain", "out_domain", "leave_one_site_out", "cross_validation"],
        "outer_folds": 2,
        "tune": True,
    }
    path = write(
        tmp_path,
        {"name": "sites", "data": uneven_sites(tmp_path), **FOREST},
        comparison=comparison,
    )
    code, out, err = run("compare", path, "--output", str(tmp_path / "compared"))
    assert code == 0, err
    assert "2 sites too small to be tested on" in " ".join((out + err).split())
    table = (tmp_path / "compared" / "full_results.csv").read_text()
    assert "all but A" in table
    assert "Tiny" not in table
    assert "tuning failed" not in table
