"""The examples of docs/python.md do what they say, and the classifier is one of scikit-learn's."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import ray
from sklearn.utils.estimator_checks import check_estimator

from tests.integration.api_server import ApiServer, rayjob
from tuner_job import Experiment, ProgressRecord, TunedClassifier, open_results
from tuner_job.api.on_cluster import ClusterRun
from tuner_job.cluster.kube import Kube
from tuner_job.cluster.told import Release
from tuner_job.errors import DataError, InputError, RunError, StoreError
from tuner_job.execution.local.pool import Pool

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
DEATHS = Path(__file__).parents[1] / "stored" / "0.1.0" / "deaths.csv"

pytestmark = pytest.mark.timeout(900)


def test_the_examples_run(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    programs = [part.partition("```")[0] for part in text.split("```python\n")[1:]]
    assert len(programs) == 3
    program = "\n".join(programs).replace('"va-results', f'"{tmp_path}/va-results')
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "5 trials, the untuned default among them" in done.stdout
    assert (tmp_path / "va-results" / "example" / "report.html").exists()


@pytest.fixture
def running_ray() -> Iterator[None]:
    """A Ray that somebody has started, as in a notebook."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def experiment(folder: Path) -> Experiment:
    content = {
        "name": "notebook",
        "data": {"source": str(DEATHS), "label": "cause", "site": "site"},
        "models": ["naive_bayes"],
        "tuning": {"search_method": "random", "n_trials": 3, "cv_folds": 2},
        "results": str(folder),
    }
    return Experiment.from_dict(content)


def test_a_run_tells_how_it_goes_and_predicts_for_frames(tmp_path: Path) -> None:
    told = []
    run = experiment(tmp_path).run(on_progress=told.append)
    assert run.state == "done"
    assert told[-1].state == "done"
    trials = run.trials()
    assert set(trials["trial"]) == {-1, 0, 1, 2}
    assert trials.filter(like="params_").notna().any(axis=None)
    assert run.best().scores["csmf_accuracy"] > 0
    assert "<h1>" in run.report().html
    assert "notebook" in run.logs()
    frame = pd.read_csv(DEATHS)
    model = open_results(f"{tmp_path}/notebook").model()
    P = model.predict_proba(frame)
    assert P.shape == (len(frame), len(model.causes))
    assert np.allclose(P.sum(axis=1), 1)
    assert np.allclose(P[:5], model.predict_proba(frame.head(5)))  # each death judged alone
    fractions = model.cause_fractions(frame)
    assert np.isclose(fractions["fraction"].sum(), 1)
    assert (fractions["lower"] <= fractions["upper"]).all()
    silent = frame.astype(object)
    silent.iloc[-3:] = np.nan  # deaths of whom nothing is known, as the last rows of a file
    assert np.allclose(model.predict_proba(silent)[:-3], P[:-3])
    assert len(model.predict_proba(silent)) == len(frame)


def test_a_file_of_deaths_gives_the_tables_and_the_page_of_the_command(tmp_path: Path) -> None:
    run = experiment(tmp_path).run(workers=2)
    found = run.predict(DEATHS, by=["site"])
    deaths = pd.read_csv(DEATHS)
    assert len(found.deaths) == len(deaths)
    assert found.deaths["site"].tolist() == deaths["site"].tolist()
    whole = found.csmf[found.csmf["by"] == "all"]
    assert np.isclose(whole["fraction"].sum(), 1, atol=1e-3)
    assert set(found.csmf["group"]) == {"all", *deaths["site"]}
    assert "Deaths of Nowhere" in found.report(title="Deaths of Nowhere").html
    with pytest.raises(InputError, match="nowhere"):
        run.predict(tmp_path / "nowhere.csv")
    named = deaths.assign(uid=[f"{n:03}" for n in range(len(deaths))], ward="None")
    named.loc[0, "site"] = None
    named.to_csv(tmp_path / "named.csv", index=False)
    again = run.predict(tmp_path / "named.csv", by=["ward"])
    assert set(again.csmf["group"]) == {"all", "None"}
    assert again.deaths["probability"].dtype == float
    assert again.deaths["site"].isna().sum() == 1


def test_models_are_compared_as_by_the_command(tmp_path: Path) -> None:
    content = experiment(tmp_path).config.model_dump(mode="json", exclude_defaults=True)
    content["comparison"] = {"experiments": ["in_domain"], "n_bootstrap": 5}
    compared = Experiment.from_dict(content).compare(workers=2)
    assert "naive_bayes" in set(compared.table().model)
    assert "<h1" in compared.report().html
    with pytest.raises(StoreError, match="has no nothing"):
        compared.table("nothing")
    with pytest.raises(StoreError, match="has no"):
        compared.table("../notebook/summary")


def test_a_run_that_is_cancelled_goes_on(tmp_path: Path) -> None:
    run = experiment(tmp_path).run(wait=False)
    run.cancel()
    assert run.state in ("cancelled", "done")
    if run.state == "cancelled":
        with pytest.raises(RunError):
            run.wait()
    assert experiment(tmp_path).run().state == "done"


@pytest.mark.usefixtures("running_ray")
def test_a_ray_that_runs_is_used_and_left_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_pool(*_: object) -> None:
        raise AssertionError("a worker of this machine was started")

    monkeypatch.setattr(Pool, "__init__", no_pool)
    assert experiment(tmp_path).run().state == "done"
    assert ray.is_initialized()


def test_an_experiment_is_submitted_as_by_the_command(api: ApiServer) -> None:
    synthetic = {"n_samples": 200, "n_causes": 4, "n_symptoms": 10, "n_sites": 2}
    content = {
        "name": "adult",
        "data": {"format": "synthetic", "synthetic": synthetic},
        "models": ["naive_bayes"],
    }
    run = Experiment.from_dict(content).submit(owner="Ada")
    job = api.objects["rayjobs", "adult"]
    assert job["metadata"]["annotations"]["va-tuning/owner"] == "Ada"
    assert run.state == "waiting"
    with pytest.raises(TimeoutError, match="adult has not ended within 0 s"):
        run.wait(timeout=0)
    run.cancel()
    assert run.state == "unknown"
    with pytest.raises(RunError, match="was deleted"):
        run.wait()


def test_a_run_that_was_lost_is_not_waited_for(tmp_path: Path) -> None:
    long_ago = "2026-01-01T00:00:00.000Z"
    record = ProgressRecord(
        experiment="stored",
        state="running",
        metric="csmf_accuracy",
        began=long_ago,
        written=long_ago,
    )
    shutil.copytree(DEATHS.parent / "stopped", tmp_path / "stored")
    (tmp_path / "stored" / "progress.json").write_text(record.model_dump_json())
    run = open_results(f"{tmp_path}/stored")
    assert run.state == "lost"
    with pytest.raises(RunError, match="lost: its run has not been heard of"):
        run.wait()


def test_a_submitted_run_that_was_stopped_is_not_waited_for(api: ApiServer) -> None:
    api.put("rayjobs", rayjob("adult", "Complete", "STOPPED"))
    kube = Kube(None, None)
    with pytest.raises(RunError, match="adult: stopped"):
        ClusterRun(Release(kube, "va-tuning"), "adult").wait()


def test_the_classifier_passes_the_checks_of_scikit_learn() -> None:
    asked = {"models": ["naive_bayes"], "search_method": "random", "n_trials": 1, "cv_folds": 2}
    found = check_estimator(TunedClassifier(**asked), on_fail=None, on_skip=None)
    assert [one["check_name"] for one in found if one["status"] == "failed"] == []
    assert len(found) > 40


def answers(n_rows: int) -> tuple[pd.DataFrame, pd.Series]:
    """Raw answers of deaths of three causes, each with a sign of its own."""
    rng = np.random.default_rng(0)
    y = rng.choice(["malaria", "other", "pneumonia"], n_rows)
    told = {
        "fever": np.where((y == "malaria") ^ (rng.random(n_rows) < 0.2), "Yes", "No"),
        "cough": np.where((y == "pneumonia") ^ (rng.random(n_rows) < 0.2), "1", "88"),
        "region": pd.Categorical(rng.choice(["hill", "coast"], n_rows)),
    }
    return pd.DataFrame({**told, "age": rng.integers(0, 60, n_rows)}), pd.Series(y)


def test_the_classifier_draws_a_report_where_its_results_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = np.eye(3).repeat(20, axis=0), np.repeat(["malaria", "other", "pneumonia"], 20)
    asked = {"models": ["naive_bayes"], "search_method": "random", "n_trials": 1, "cv_folds": 2}
    TunedClassifier(**asked, results=str(tmp_path)).fit(X, y)
    assert len(list(tmp_path.glob("*/report.html"))) == 1
    monkeypatch.setattr("tuner_job.experiment.page.write_report", pytest.fail)
    TunedClassifier(**asked).fit(X, y)


def test_the_classifier_reads_frames_of_words_by_a_codebook() -> None:
    frame, y = answers(150)
    how = {"columns": {"cough": {"kind": "yes_no", "yes": [1], "no": [88]}}}
    asked = {"models": ["naive_bayes"], "search_method": "random", "n_trials": 1, "cv_folds": 2}
    clf = TunedClassifier(**asked, data=how).fit(frame, y)
    assert list(clf.feature_names_in_) == list(frame.columns)
    assert clf.score(frame, y) > 0.5
    columns = {feature.column for feature in clf.model_.tuned.features}
    assert columns == {"fever", "cough", "region", "age"}
    np.testing.assert_array_equal(clf.predict(frame[:9]), clf.predict(frame)[:9])
    assert list(clf.cause_fractions(frame).index) == ["malaria", "other", "pneumonia"]
    with pytest.raises(DataError, match="missing: fever"):
        clf.predict(frame.drop(columns="fever"))
    with pytest.raises(DataError, match="must be a data frame"):
        clf.predict(frame.to_numpy())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"label": "y"}, "data.label: cannot be given"),
        ({"colums": {}}, "colums"),
        ({"columns": {"nowhere": {"kind": "number"}}}, "nowhere"),
    ],
)
def test_what_cannot_be_read_of_a_frame_is_said(data: dict[str, object], said: str) -> None:
    frame, y = answers(60)
    with pytest.raises(InputError, match=said):
        TunedClassifier(models=["naive_bayes"], data=data).fit(frame, y)
    twice = pd.concat([frame, frame[["fever"]]], axis=1)
    with pytest.raises(InputError, match="distinct"):
        TunedClassifier(models=["naive_bayes"]).fit(twice, y)
