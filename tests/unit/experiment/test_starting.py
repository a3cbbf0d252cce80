"""Trials of an earlier experiment that a new one knows, and those that it refuses."""

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit import stored
from tests.unit.results.conftest import STORED, VERSIONS
from tuner_job.config.load import load_experiment
from tuner_job.config.validation import EARLIER
from tuner_job.errors import StoreError
from tuner_job.experiment.context import Run
from tuner_job.experiment.known import know_trials
from tuner_job.experiment.sources import settle_sources
from tuner_job.problem import prepare
from tuner_job.results.claim import claim
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.monitor import TuningMonitor
from tuner_job.results.start import read_known, read_start
from tuner_job.results.store import Store

WIDER = {"n_estimators": [3, 6, 12], "max_depth": {"low": 2, "high": 8}}
NARROWER = {"n_estimators": [6], "max_depth": [2, 3]}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A finished experiment of an earlier version."""
    return Path(shutil.copytree(STORED / "0.5.0" / "finished", tmp_path / "results" / "stored"))


def written(folder: Path, space: dict[str, Any], **changes: Any) -> Path:
    """Write an experiment that starts from it."""
    content = yaml.safe_load((STORED / "0.5.0" / "experiment.yaml").read_text())
    content |= {"name": "new", "models": ["xgboost"], "start_from": ["results/stored"]}
    content["data"]["source"] = str(STORED / "0.5.0" / "deaths.csv")
    content["tuning"] |= {"search_spaces": {"xgboost": space}, **changes.pop("tuning", {})}
    path = folder / "new.yaml"
    path.write_text(yaml.safe_dump({**content, "results": "results", **changes}))
    return path


def started(path: Path) -> Run:
    """Do the steps that come before the search."""
    prepared = prepare(load_experiment(path))
    store = ExperimentStore(Store(prepared.config.results), prepared.config.name)
    monitor = TuningMonitor({**prepared.planned()})
    run = Run(prepared, store, 1, monitor, lambda: False, False, None, ExitStack())
    settle_sources(run)
    know_trials(run)
    return run


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(path: Path) -> str:
    """Tune, and return why that was refused; nothing was written."""
    outcome = stored.run("tune", path)
    assert outcome.exit_code == 2, outcome.output
    assert not (path.parent / "results" / "new").exists()
    return " ".join(outcome.stderr.split("va-tuning: ")[1].split())


def test_trials_in_the_space_are_known_with_where_they_are_from(
    source: Path, tmp_path: Path
) -> None:
    run = started(written(tmp_path, WIDER))
    records = run.store.load_trials("xgboost")
    assert [record.trial for record in records] == [-1, 0, 1, 2, 3]
    assert [str(record.source) for record in records] == [
        "the default of results/stored", *(f"trial {n} of results/stored" for n in range(4))
    ]  # fmt: skip
    assert {record.source.commit for record in records if record.source} == {1}
    for record in records:
        name = "default" if record.trial < 0 else f"{record.trial:06d}"
        there = json.loads((source / "xgboost" / "trials" / f"{name}.json").read_text())
        here = record.model_dump(mode="json")
        assert (here["params"], here["folds"]) == (there["params"], there["folds"])
        kept = source / "xgboost" / "oof" / f"{name}.npz"
        P = run.store.load_oof("xgboost", record.trial)
        assert (P is not None) == kept.exists()


def test_what_lies_outside_is_counted_and_left_out(
    source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = started(written(tmp_path, NARROWER))
    assert [r.params for r in run.store.load_trials("xgboost") if r.trial >= 0] == [
        {"max_depth": 2, "n_estimators": 6},
        {"max_depth": 3, "n_estimators": 6},
    ]
    told = read_known(run.store, "xgboost")
    assert told is not None
    assert told.left_out == {"results/stored": {"outside of the search space": 2}}
    assert (
        "xgboost: 2 of 4 trials are known from results/stored (commit 1); not known are 2 outside "
        "of the search space" in caplog.text
    )
    assert "was made with va-tuning 0.5.0" in caplog.text


def test_what_is_known_was_settled_when_it_began(source: Path, tmp_path: Path) -> None:
    path = written(tmp_path, WIDER)
    run = started(path)
    before = stored.snapshot(tmp_path / "results" / "new")
    record = json.loads((source / "xgboost" / "trials" / "000003.json").read_text())
    record |= {"trial": 4, "params": {"n_estimators": 12, "max_depth": 2}}
    (source / "xgboost" / "trials" / "000004.json").write_text(json.dumps(record))
    commit = json.loads((source / "xgboost" / "commits" / "0001.json").read_text())
    commit["summary"]["n_trials"]["complete"] += 1
    (source / "xgboost" / "commits" / "0002.json").write_text(json.dumps(commit))
    (tmp_path / "results" / "new" / "xgboost" / "start_from.json").unlink()
    (tmp_path / "results" / "new" / "xgboost" / "trials" / "000002.json").unlink()
    again = started(path)
    assert stored.snapshot(tmp_path / "results" / "new") == before
    assert read_start(again.store) == read_start(run.store) == again.start


def test_it_is_whole_without_its_sources(source: Path, tmp_path: Path) -> None:
    path = written(tmp_path, WIDER)
    started(path)
    before = stored.snapshot(tmp_path / "results" / "new")
    shutil.rmtree(source)
    started(path)
    assert stored.snapshot(tmp_path / "results" / "new") == before
    (tmp_path / "results" / "new" / "xgboost" / "trials" / "000002.json").unlink()
    with pytest.raises(
        StoreError, match=r"start_from: results/stored: cannot be read, and not all"
    ):
        started(path)


def test_a_trial_that_went_from_the_source_is_named(source: Path, tmp_path: Path) -> None:
    path = written(tmp_path, WIDER)
    started(path)
    for folder in (source, tmp_path / "results" / "new"):
        (folder / "xgboost" / "trials" / "000002.json").unlink()
    with pytest.raises(StoreError, match=r"of xgboost it lacks 2: restore"):
        started(path)


def test_a_damaged_trial_of_the_source_is_told_and_left_out(
    source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (source / "xgboost" / "trials" / "000002.json").write_text("{")
    run = started(written(tmp_path, WIDER))
    assert len(run.store.load_trials("xgboost")) == 4
    assert "000002.json: is damaged" in caplog.text


def test_a_search_that_was_never_committed_gives_what_has_finished(
    source: Path, tmp_path: Path
) -> None:
    shutil.rmtree(source / "xgboost" / "commits")
    (source / "xgboost" / "best.json").unlink()
    run = started(written(tmp_path, WIDER))
    marks = [record.source for record in run.store.load_trials("xgboost")]
    assert [mark and mark.commit for mark in marks] == [0] * 5


def test_two_sources_are_numbered_in_their_order_and_give_a_configuration_once(
    source: Path, tmp_path: Path
) -> None:
    shutil.copytree(source, tmp_path / "results" / "other")
    (source / "xgboost" / "trials" / "000001.json").unlink()
    addresses = ["results/stored", "results/other"]
    run = started(written(tmp_path, WIDER, start_from=addresses))
    found = [(r.trial, str(r.source)) for r in run.store.load_trials("xgboost") if r.trial >= 0]
    assert found == [
        (0, "trial 0 of results/stored"), (1, "trial 2 of results/stored"),
        (2, "trial 3 of results/stored"), (3, "trial 1 of results/other"),
    ]  # fmt: skip


def test_other_objectives_know_scores_but_not_what_was_judged(source: Path, tmp_path: Path) -> None:
    run = started(written(tmp_path, WIDER, tuning={"scoring_metric": ["cod_accuracy", "ccc"]}))
    records = [record for record in run.store.load_trials("xgboost") if record.trial >= 0]
    assert len(records) == 4
    assert all("ccc" in record.scores for record in records)
    assert not any(fold.judged for record in records for fold in record.folds)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"seed": 7}, "seed: 42 there, 7 here"),
    ({"tuning": {"cv_folds": 2}}, "tuning.cv_folds: 3 there, 2 here"),
    ({"validation": {"n_draws": 9}}, "validation.n_draws: 100 there, 9 here"),
    ({"validation": {"holdout": 0.2}}, "validation.holdout: 0.0 there, 0.2 here"),
    ({"start_from": ["results/nothing"]}, "results/nothing: must be the address of an experiment"),
    ({"start_from": ["results/stored", "results/../results/stored"]}, "is the same one as results"),
    ({"start_from": ["results/stored", "results/stored/"]}, "must be distinct, got"),
    ({"start_from": ["s3://key:secret@bucket/a"]}, "must hold no keys, user or port"),
    ({"start_from": ["https://user:secret@server/a"]}, "no results are written or listed over"),
    ({"models": ["naive_bayes"], "tuning": {"search_spaces": {}}}, "must have trials of naive_ba"),
    ({"tuning": {"search_method": "asha"}}, "is not for search_method: asha"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED, ids=[said for _, said in REFUSED])
@pytest.mark.usefixtures("source")
def test_what_cannot_give_its_trials_is_one_sentence(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    told = refused(written(tmp_path, WIDER, **changes))
    assert said in told
    assert "secret" not in told


def test_other_data_are_refused_by_their_digest(source: Path, tmp_path: Path) -> None:
    found = json.loads((source / "provenance.json").read_text())
    (source / "provenance.json").write_text(json.dumps({**found, "data_digest": "0" * 64}))
    assert "data digest: 000000000000 there, " in refused(written(tmp_path, WIDER))


@pytest.mark.parametrize("name", ["experiment.yaml", "provenance.json"])
def test_a_source_whose_documents_are_damaged_is_refused(
    source: Path, tmp_path: Path, name: str
) -> None:
    (source / name).write_text("")
    assert "is damaged" in refused(written(tmp_path, WIDER))


def test_a_population_is_no_source(source: Path, tmp_path: Path) -> None:
    path = source / "experiment.yaml"
    path.write_text(path.read_text().replace("search_method: random", "search_method: pbt"))
    assert "must not be of search_method pbt" in refused(written(tmp_path, WIDER))


def test_an_experiment_does_not_start_from_itself(source: Path, tmp_path: Path) -> None:
    path = written(tmp_path, WIDER, name="stored")
    outcome = stored.run("tune", path)
    assert outcome.exit_code == 2
    assert "is this experiment itself" in outcome.stderr


def test_a_taken_name_offers_a_new_one_that_starts_from_it(source: Path, tmp_path: Path) -> None:
    (tmp_path / "results" / "stored-2").mkdir()
    (tmp_path / "results" / "stored-2" / "any").write_text("")
    outcome = stored.run("tune", written(tmp_path, WIDER, name="stored", start_from=[]))
    assert outcome.exit_code == 2
    lines = outcome.stderr.rstrip().split("\n")[-2:]
    assert yaml.safe_load("\n".join(lines)) == {
        "name": "stored-3", "start_from": ["results/stored"]
    }  # fmt: skip
    assert "max_depth: [2, 3] there, 2 to 8 here" in outcome.stderr


@pytest.mark.parametrize("changes", [{"seed": 7}, {"validation": {"n_draws": 9}}], ids=str)
@pytest.mark.usefixtures("source")
def test_nothing_is_offered_that_could_not_give_a_trial(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    outcome = stored.run("tune", written(tmp_path, WIDER, name="stored", start_from=[], **changes))
    assert outcome.exit_code == 2
    assert "holds results of another experiment" in outcome.stderr
    assert "start_from" not in outcome.stderr


def test_what_says_where_trials_are_from_is_needed(source: Path, tmp_path: Path) -> None:
    path = written(tmp_path, WIDER)
    started(path)
    record = tmp_path / "results" / "new" / "start_from.json"
    content = record.read_bytes()
    record.write_bytes(content[:50])
    with pytest.raises(StoreError, match=r"start_from\.json: is damaged: it is cut off"):
        started(path)
    record.unlink()
    with pytest.raises(StoreError, match=r"start_from\.json: is missing: it says which trials"):
        started(path)
    record.write_bytes(content)
    started(path)


def test_known_trials_are_given_on(source: Path, tmp_path: Path) -> None:
    path = written(tmp_path, WIDER)
    run = started(path)
    config = run.config
    document = config.document()
    provenance = ExperimentStore(Store("results"), "stored").provenance()
    claim(run.store, document, provenance)
    shutil.rmtree(source)
    again = started(written(tmp_path, NARROWER, name="third", start_from=["results/new"]))
    marks = [str(one.source) for one in again.store.load_trials("xgboost")]
    assert marks == [
        "the default of results/new", "trial 0 of results/new", "trial 3 of results/new"
    ]  # fmt: skip


@pytest.mark.usefixtures("source")
def test_validate_says_what_would_be_known_and_writes_nothing(tmp_path: Path) -> None:
    outcome = stored.run("validate", written(tmp_path, NARROWER), "--no-estimate")
    assert outcome.exit_code == 0, outcome.stderr
    assert (
        "xgboost: 2 of 4 trials are known from results/stored (commit 1); not known are 2 outside"
        in outcome.stdout
    )
    assert not (tmp_path / "results" / "new").exists()
    told = stored.run("validate", written(tmp_path, NARROWER, seed=1), "--no-estimate")
    assert (told.exit_code, "seed: 42 there, 1 here" in told.stderr) == (2, True)


def test_a_model_that_is_added_later_knows_what_its_source_had_at_the_beginning(
    source: Path, tmp_path: Path
) -> None:
    started(written(tmp_path, WIDER))
    record = json.loads((source / "random_forest" / "trials" / "000003.json").read_text())
    record |= {"trial": 4, "params": {"n_estimators": 5, "max_depth": 4}}
    (source / "random_forest" / "trials" / "000004.json").write_text(json.dumps(record))
    shutil.rmtree(source / "random_forest" / "commits")
    forest = {"n_estimators": [5, 10], "max_depth": {"low": 2, "high": 8}}
    both = {"search_spaces": {"xgboost": WIDER, "random_forest": forest}}
    run = started(written(tmp_path, WIDER, models=["xgboost", "random_forest"], tuning=both))
    records = run.store.load_trials("random_forest")
    found = [(one.trial, one.source and one.source.commit) for one in records]
    assert found == [(-1, 1), (0, 1), (1, 1), (2, 1), (3, 1)]


def test_a_source_without_a_trial_is_refused(source: Path, tmp_path: Path) -> None:
    for model in ("xgboost", "random_forest", "logistic_regression"):
        shutil.rmtree(source / model)
    assert "must have finished trials, and has none" in refused(written(tmp_path, WIDER))


@pytest.mark.parametrize("version", VERSIONS)
def test_any_version_may_have_made_a_source(version: str, tmp_path: Path) -> None:
    shutil.copytree(STORED / version / "finished", tmp_path / "results" / "stored")
    path = written(tmp_path, WIDER)
    content = yaml.safe_load(path.read_text())
    content["data"] = yaml.safe_load((STORED / version / "experiment.yaml").read_text())["data"]
    content["data"]["source"] = str(STORED / version / "deaths.csv")
    if version < "0.5.0":
        path.write_text(yaml.safe_dump(content))
        assert "validation.population_size: 'all' there, the default here" in refused(path)
        content["validation"] = EARLIER
    path.write_text(yaml.safe_dump(content))
    run = started(path)
    told = read_known(run.store, "xgboost")
    assert told is not None
    assert told.n_known + sum(told.left_out["results/stored"].values()) == len(
        [one for one in ExperimentStore(Store("results"), "stored").load_trials("xgboost")
         if one.trial >= 0 and one.duplicate_of is None]
    )  # fmt: skip
    assert told.n_known >= 2


def test_another_scheme_than_an_earlier_version_began_with_is_another_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = stored.copy(tmp_path / "results")
    before = stored.snapshot(folder)
    content = yaml.safe_load((STORED / "0.1.0/experiment.yaml").read_text())
    content["data"]["source"] = str(stored.DEATHS)
    for scheme in ("stratified", "leave_one_site_out"):
        content["validation"] = {"scheme": scheme}
        path = tmp_path / "changed.yaml"
        path.write_text(yaml.safe_dump({**content, "results": str(tmp_path / "results")}))
        outcome = stored.run("tune", path, "--workers", "1")
        assert outcome.exit_code == 2, outcome.output
        assert "holds results of another experiment" in outcome.stderr
        assert f"'{scheme}' here" in outcome.stderr
        assert stored.snapshot(folder) == before
