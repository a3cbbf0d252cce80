"""That the benchmarks still fit what they measure; what they measure is not tested."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import coverage, scale
from benchmarks.peers import __main__ as peers
from benchmarks.peers import contest, nested, same_grid
from benchmarks.peers.ours import Setting
from benchmarks.peers.problem import Problem, best_at, read_log
from tuner_job.data import DataConfig, load_dataset
from tuner_job.evaluation.metrics import csmf, csmf_accuracy_of
from tuner_job.results.store import read_bytes


def problem(folder: Path, metric: str = "csmf_accuracy") -> Problem:
    random = np.random.default_rng(1)
    y = np.arange(60) % 3
    X = (y[:, None] + random.normal(size=(60, 2))).astype(np.float32)
    return Problem(
        folder,
        X,
        y,
        np.arange(60) // 3 % 2,
        3,
        "xgboost",
        {"max_depth": [1, 2]},
        metric,
        1,
        1,
        None,
    )


def test_quick_runs_are_small() -> None:
    options = peers.parse(["--quick"])
    assert (options.seeds, options.minutes) == (1, [0.2, 0.4])
    options = peers.parse(["--seeds", "7", "--minutes", "2", "1", "--tables", "nested"])
    assert (options.seeds, options.minutes, options.tables) == (7, [1.0, 2.0], ["nested"])
    assert scale.sizes_of(scale.parse(["--quick"])).tasks == 1000
    assert scale.sizes_of(scale.parse([])).slots == 1000


@pytest.mark.slow
def test_the_driver_ends_all_tasks_of_a_simulated_cluster() -> None:
    table = scale.driver_table(scale.Sizes(20, 200, (), 0, 0, 0))
    assert [line.split(" | ")[2] for line in table.splitlines()[2:] if "| none" in line] == [
        "200",
        "200",
    ]


def test_coverage_is_measured_on_what_models_never_saw() -> None:
    document = {"format": "synthetic", "synthetic": {"n_samples": 600, "n_causes": 4}}
    dataset = load_dataset(DataConfig.model_validate(document), read_bytes)
    records = list(coverage.judge(dataset, 0, ["naive_bayes"]))
    assert {record.size for record in records} == {"50", "200", "all", "every"}
    by_size, by_method = coverage.tables(records)
    assert len(by_size.splitlines()) == 2 + 3
    assert len(by_method.splitlines()) == 2 + 3 * 2


def test_peers_score_as_we_do(tmp_path: Path) -> None:
    true, found = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 1, 2, 2])
    assert problem(tmp_path).judge.score(true, found) == pytest.approx(
        csmf_accuracy_of(csmf(true, 3), csmf(found, 3))
    )
    assert problem(tmp_path, "cod_accuracy").judge.score(true, found) == pytest.approx(4 / 6)


def test_a_log_gives_the_best_configuration_known_at_each_time(tmp_path: Path) -> None:
    one = problem(tmp_path)
    one.save()
    searched = Problem.load(tmp_path)
    for depth in (1, 2):
        for fold in (0, 0, 1):  # as if two threads had begun it
            searched.score_fold({"max_depth": depth}, fold)
    searched.judge.log({"max_depth": 3}, 1.0, 0.1)  # lacks a fold
    candidates, seconds = read_log(tmp_path, searched.n_folds)
    assert [c.params["max_depth"] for c in candidates] == [1, 2]
    assert seconds > 0.1
    assert best_at(candidates, candidates[0].at - 1) is None
    assert best_at(candidates, candidates[0].at) == candidates[0]
    assert best_at(candidates, candidates[1].at) == max(candidates, key=lambda c: c.score)


def test_what_is_not_beaten_is_said() -> None:
    assert same_grid.ratio_of([1.9, 2.0, 2.1]).verdict == "va-tuning 2.0 × as fast"
    assert same_grid.ratio_of([0.9, 1.0, 1.1]).verdict == "level"
    assert same_grid.ratio_of([2.0]).verdict == "level"  # of one pair nothing is known
    assert "not beaten: 2.00" in same_grid.ratio_of([0.49, 0.5, 0.51]).verdict
    assert str(same_grid.ratio_of([1.9, 2.0, 2.1])) == "2.00 (1.76 to 2.26)"
    assert nested.verdict([0.03, 0.02, 0.04]) == (
        "+0.030 (+0.005 to +0.055); higher in 3, lower in 0 of 3"
    )
    assert "not beaten" in nested.verdict([-0.03, -0.02, -0.04])
    assert "undecided" in nested.verdict([0.03, -0.02])
    assert nested.verdict([0.03]) == "**undecided**: +0.030; higher in 1, lower in 0 of 1"
    assert "not reached" in nested._reached([float("inf")] * 3)
    assert nested._compared([0.5, None, 0.6], [0.6, 0.7, 0.7]).endswith(
        "1 without a configuration of both"
    )
    assert nested._compared([None], [0.5]) == "**undecided**; 1 without a configuration of both"


def test_what_was_measured_otherwise_is_not_taken(tmp_path: Path) -> None:
    deaths = tmp_path / "deaths.csv"
    deaths.write_text("a")
    one = Setting({"source": str(deaths)}, "xgboost", {}, "cod_accuracy", 1, 1)
    before = contest.digest_of(one)
    assert contest.digest_of(replace(one)) == before
    assert contest.digest_of(replace(one, seed=2)) != before
    deaths.write_text("b")
    assert contest.digest_of(one) != before
    (tmp_path / "measured.json").write_text('{"of": "another"}')
    with pytest.raises(ValueError, match="is of other deaths, settings or of another version"):
        contest.run("Optuna", one, tmp_path, "", [0])
