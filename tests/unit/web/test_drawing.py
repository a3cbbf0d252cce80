"""The process that draws: the pages that the report has, from trials that are read once."""

import json
import re
from pathlib import Path

import pytest

from tests.unit.stored import copy, run
from tuner_job.records import DEFAULT_TRIAL, TrialRecord
from tuner_job.results.experiment_store import ExperimentStore, open_experiment
from tuner_job.results.store import Store
from tuner_job.web import kept_trials
from tuner_job.web.drawing import main
from tuner_job.web.job import CONTENT, FACTS, PAGE, Job, Target
from tuner_job.web.kept_trials import KeptTrials, condensed
from tuner_job.web.place import ReadOnlyStore, experiment_at

pytestmark = pytest.mark.slow


def job_of(tmp_path: Path, *folders: Path, kind: str = "experiment") -> Job:
    targets = [
        Target(name=one.name, url=str(one.parent), path=one.name, kept=tmp_path / "kept" / one.name)
        for one in folders
    ]
    return Job.model_validate({"kind": kind, "targets": targets, "out": tmp_path / "out"})


def draw(job: Job) -> int:
    return main(job.model_dump_json())


@pytest.mark.parametrize("which", ["finished", "stopped"])
def test_it_draws_the_page_that_report_writes(tmp_path: Path, which: str) -> None:
    folder = copy(tmp_path / "results", which)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    job = job_of(tmp_path, folder)
    assert draw(job) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    run("report", folder)
    reported = (folder / "report.html").read_text()
    drawn = (job.out / PAGE).read_text()
    followed = "The\npage follows the search."
    assert (followed in drawn) == (which == "stopped")
    assert drawn == re.sub(
        r"<code>va-tuning report</code> writes\nthis page anew\.", followed, reported
    )
    content = (job.out / CONTENT).read_text()
    assert "<style" not in content
    assert content.count("<main>") == content.count("</main>") == 1
    assert json.loads((job.out / FACTS).read_text()) == {"n_damaged": 0, "damaged": []}


def test_several_stand_in_one_table_and_one_figure(tmp_path: Path) -> None:
    first, second = copy(tmp_path / "a"), copy(tmp_path / "b", "stopped")
    lost = tmp_path / "c" / "lost"
    lost.mkdir(parents=True)
    job = job_of(tmp_path, first, second, lost, kind="several")
    assert draw(job) == 0
    content = (job.out / CONTENT).read_text()
    assert "stored, xgboost" in content
    assert content.count("<svg") == 2
    assert "lost" in content
    assert "has neither summary.json nor an experiment.yaml" in content


def test_a_damaged_trial_is_told_and_the_others_are_drawn(tmp_path: Path) -> None:
    folder = copy(tmp_path / "results", "stopped")
    (folder / "xgboost" / "trials" / "000001.json").write_text("{")
    job = job_of(tmp_path, folder)
    assert draw(job) == 0
    facts = json.loads((job.out / FACTS).read_text())
    assert facts["n_damaged"] == 1
    assert "000001.json: is damaged" in facts["damaged"][0]


def test_what_cannot_be_drawn_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lost").mkdir()
    assert draw(job_of(tmp_path, tmp_path / "lost")) == 2
    assert "has neither summary.json nor" in json.loads(capsys.readouterr().out)["error"]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of the objects that were read."""
    paths: list[str] = []

    def get(self: ReadOnlyStore, path: str) -> bytes | None:
        paths.append(path)
        return Store.get(self, path)

    monkeypatch.setattr(ReadOnlyStore, "get", get)
    return paths


def kept(folder: Path, at: Path) -> KeptTrials:
    return KeptTrials(experiment_at(str(folder.parent), folder.name), at, lambda *_: None)


def test_a_trial_is_read_once(tmp_path: Path, read: list[str]) -> None:
    folder = copy(tmp_path / "results", "finished")
    trials = folder / "xgboost" / "trials"
    (trials / "000003.json").rename(tmp_path / "later.json")
    first = kept(folder, tmp_path / "kept").load_trials("xgboost")
    assert len(read) == 4
    read.clear()
    (tmp_path / "later.json").rename(trials / "000003.json")
    second = kept(folder, tmp_path / "kept").load_trials("xgboost")
    assert read == ["stored/xgboost/trials/000003.json"]
    assert [one.trial for one in second] == [DEFAULT_TRIAL, 0, 1, 2, 3]
    assert second == ExperimentStore(kept(folder, tmp_path).store, "stored").load_trials("xgboost")
    assert second[:4] == first


def test_a_trial_that_was_replaced_is_read_again(tmp_path: Path, read: list[str]) -> None:
    folder, at = copy(tmp_path / "results", "finished"), tmp_path / "kept"
    before = kept(folder, at).load_trials("xgboost")
    path = folder / "xgboost" / "trials" / "000002.json"
    other = before[3].model_copy(update={"batch": 77})
    path.unlink()
    path.write_text(other.model_dump_json())
    read.clear()
    after = kept(folder, at).load_trials("xgboost")
    assert read == ["stored/xgboost/trials/000002.json"]
    assert after == [*before[:3], other, *before[4:]]
    assert kept(folder, at).load_trials("xgboost") == after
    assert len(read) == 1


def test_trials_are_read_from_packs(
    tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for where in ("packs", "trial_folder"):
        monkeypatch.setattr(f"tuner_job.results.{where}.FEWEST", 5)
    folder = copy(tmp_path / "results", "finished")
    whole = open_experiment(str(folder)).load_trials("xgboost", pack=True)
    assert kept(folder, tmp_path / "kept").load_trials("xgboost") == whole
    assert [path.rpartition("/")[2][:5] for path in read] == ["pack-"]


def test_a_trial_that_has_gone_is_not_shown(tmp_path: Path) -> None:
    folder = copy(tmp_path / "results", "finished")
    kept(folder, tmp_path / "kept").load_trials("xgboost")
    (folder / "xgboost" / "trials" / "000002.json").unlink()
    left = kept(folder, tmp_path / "kept").load_trials("xgboost")
    assert [one.trial for one in left] == [DEFAULT_TRIAL, 0, 1, 3]


def test_a_file_that_was_cut_is_written_anew(tmp_path: Path) -> None:
    folder, at = copy(tmp_path / "results", "finished"), tmp_path / "kept"
    whole = kept(folder, at).load_trials("xgboost")
    file = at / "xgboost.jsonl"
    file.write_bytes(file.read_bytes()[:-100])
    assert kept(folder, at).load_trials("xgboost") == whole
    assert kept(folder, at).load_trials("xgboost") == whole


def test_of_many_trials_the_means_are_kept_and_the_best_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(tmp_path / "results", "finished")
    whole = {one.trial: one for one in kept(folder, tmp_path / "a").load_trials("xgboost")}
    monkeypatch.setattr(kept_trials, "FULL", 2)
    thin = {one.trial: one for one in kept(folder, tmp_path / "b").load_trials("xgboost")}
    best = max(thin.values(), key=lambda one: (one.scores["csmf_accuracy"], -one.trial)).trial
    assert thin[best] == whole[best]
    assert thin[DEFAULT_TRIAL] == whole[DEFAULT_TRIAL]
    for number in thin.keys() - {best, DEFAULT_TRIAL}:
        assert len(thin[number].folds) == 1
        assert thin[number].params == whole[number].params
        assert thin[number].fit_seconds == pytest.approx(whole[number].fit_seconds)
        metric = "csmf_accuracy"
        assert thin[number].scores[metric] == whole[number].scores[metric]
        assert thin[number].folds[0].train[metric] == pytest.approx(
            sum(fold.train[metric] for fold in whole[number].folds) / len(whole[number].folds)
        )
    job = job_of(tmp_path, folder)
    assert draw(job) == 0  # a page of thinned trials
    assert "Optimisation history of xgboost" in (job.out / CONTENT).read_text()


def test_a_condensed_trial_goes_to_json_and_back(tmp_path: Path) -> None:
    folder = copy(tmp_path / "results", "finished")
    for record in kept(folder, tmp_path / "a").load_trials("xgboost"):
        thin = condensed(record, ["csmf_accuracy"])
        assert TrialRecord.model_validate_json(thin.model_dump_json()) == thin
