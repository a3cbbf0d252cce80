"""Experiments that start from others: which trials they know, and what they make of them."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.integration.experiments import run, start, trials_table, tune, write
from tests.integration.s3_server import S3Server
from tests.integration.test_growing import TINY, kill_group_when, trials
from tuner_job import open_experiment, open_results

FIRST = {"smoothing": [0.1, 0.3, 1.0, 3.0], "power": [0.3, 0.5, 1.0], "bins": [2, 4]}
WIDER = {**FIRST, "power": {"low": 0.2, "high": 1.0}, "bins": [2, 4, 8]}
TUNING = {"cv_folds": 2, "lag": 3, "search_method": "random", "n_trials": 12}
MODELS = ["naive_bayes", "random_forest"]
FOREST = {"n_estimators": [5, 10], "max_depth": [2, 4]}


def first(folder: Path, **changes: Any) -> Path:
    """Write the experiment that others start from."""
    spaces = {"naive_bayes": FIRST, "random_forest": FOREST}
    tuning = {**TUNING, "search_spaces": spaces, **changes.pop("tuning", {})}
    content = {"name": "first", "models": MODELS, "tuning": tuning}
    return write(folder, TINY, **{**content, **changes})


def second(folder: Path, sources: list[str], space: dict[str, Any], **changes: Any) -> Path:
    """Write one that starts from it."""
    spaces = {"naive_bayes": space, "random_forest": FOREST}
    tuning = {**TUNING, "search_method": "bayesian", "n_trials": 8, "search_spaces": spaces}
    tuning |= changes.pop("tuning", {})
    return write(folder, TINY, **{"name": "second", "models": [*MODELS, "ensemble"],
                                  "tuning": tuning, "start_from": sources, **changes})  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results that hold the first one."""
    folder = tmp_path_factory.mktemp("source")
    tune(first(folder), folder / "results", "--workers", "2")
    return folder / "results"


def own_fits(results: Path, model: str) -> int:
    """Trials of the second one that were fitted there, the untuned default among them."""
    records = open_experiment(f"{results}/second").load_trials(model)
    return sum(bool(one.folds) and one.source is None for one in records)


@pytest.fixture
def here(source: Path, tmp_path: Path) -> Path:
    """A folder with such results."""
    shutil.copytree(source, tmp_path / "results")
    return tmp_path


@pytest.mark.timeout(900)
def test_it_knows_the_trials_and_is_whole_by_itself(here: Path) -> None:
    tune(second(here, [f"{here}/results/first"], WIDER), here / "results", "--workers", "2")
    shutil.rmtree(here / "results" / "first")
    assert own_fits(here / "results", "naive_bayes") == 8
    assert own_fits(here / "results", "random_forest") == 0  # all four were known
    results = here / "results" / "second"
    summary = open_experiment(str(results)).summary()
    forest = next(study for study in summary.studies if study.model == "random_forest")
    assert forest.known == {f"{here}/results/first": 4}
    assert forest.best.source is not None
    assert forest.stopped_by == "exhausted"
    code, out, err = run("show", str(results))
    told = "16 trials of other experiments were known"
    assert (code, told in " ".join(out.split())) == (0, True), out + err
    assert "Known before the search began" in (results / "report.html").read_text()
    frame = open_results(str(results)).trials("random_forest")
    assert set(frame["source"].dropna()) == {f"{here}/results/first"}
    assert len(open_results(str(results)).model("ensemble").causes) == 3
    table = trials_table(results)
    assert table.startswith("model,trial,state,params,fold_scores,scores,source\n")
    tune(here / "experiment.yaml", here / "results", "--workers", "1")
    assert trials_table(results) == table
    code, out, err = run("check", str(results))
    assert code == 0, out + err


@pytest.mark.timeout(900)
@pytest.mark.long
def test_neither_workers_nor_a_kill_nor_a_source_that_grew_change_it(here: Path) -> None:
    path = second(here, [f"{here}/results/first"], WIDER, models=["naive_bayes"],
                  tuning={"search_spaces": {"naive_bayes": WIDER}})  # fmt: skip
    process = start("tune", path, "--results", here / "results", "--workers", "1")
    results = here / "results"
    kill_group_when(
        process, lambda: len(list((results / "second/naive_bayes/trials").glob("*.json"))) > 15
    )
    content = path.read_text()
    tune(first(here, tuning={"n_trials": 16}), here / "results", "--workers", "2")
    path.write_text(content)
    tune(path, here / "results", "--workers", "2")
    found = {n: t for n, t in trials(results).items() if n.startswith("second/")}
    assert sum('"source": {' in text for text in found.values()) == 13
    assert found == trials(undisturbed(here, content))


def undisturbed(folder: Path, content: str) -> Path:
    """Run the same at once on the source as it was; return its results."""
    place = folder / "undisturbed"
    place.mkdir()
    (folder / "results" / "second").rename(folder / "kept")
    (place / "experiment.yaml").write_text(content)
    for path in sorted((folder / "results/first/naive_bayes/trials").glob("00001[2-5].json")):
        path.unlink()
    (folder / "results/first/naive_bayes/commits/0002.json").unlink()
    tune(place / "experiment.yaml", folder / "results", "--workers", "1")
    (folder / "results" / "first").rename(folder / "first")
    return folder / "results"


@pytest.mark.timeout(900)
def test_the_best_of_a_narrower_space_is_fitted_again_for_its_probabilities(here: Path) -> None:
    kept = here / "results" / "first" / "naive_bayes" / "oof"
    for path in kept.glob("0*.npz"):
        path.unlink()
    narrower = {"smoothing": [0.1, 0.3, 1.0, 3.0], "power": [0.5], "bins": [2, 4]}
    tuning = {"search_method": "grid", "search_spaces": {"naive_bayes": narrower}}
    path = second(here, [f"{here}/results/first"], narrower, models=["naive_bayes"], tuning=tuning)
    out = tune(path, here / "results", "--workers", "1")
    store = open_experiment(f"{here}/results/second")
    study = store.summary().studies[0]
    assert study.stopped_by == "exhausted", out
    assert study.n_repeated == study.n_known > 0
    assert store.load_oof("naive_bayes", study.best.trial) is not None


def test_sources_may_stand_in_object_storage(here: Path, s3: S3Server) -> None:
    bucket = s3.make_bucket("starting")
    shutil.copytree(here / "results" / "first", s3.root / "starting" / "team" / "first")
    shutil.rmtree(here / "results")
    path = second(here, [f"{bucket}/team/first"], WIDER)
    tune(path, f"{bucket}/team", "--workers", "2")
    records = open_experiment(f"{bucket}/team/second").load_trials("random_forest")
    marks = {one.source.address for one in records if one.source}
    assert marks == {f"{bucket}/team/first"}
