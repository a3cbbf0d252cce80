"""Experiments on the installed release: the way in, the way out, the same answer as here."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.e2e.cluster import RELEASE, ROOT, Namespace
from tests.integration.experiments import CHEAP, run
from tuner_job.data import DataConfig, load_dataset
from tuner_job.results.store import read_bytes

Write = Callable[..., Path]
Table = Callable[[Path], str]
Fetched = Callable[[str], str]


def test_helm_test_passes(release: Namespace) -> None:
    said = release.helm("test", RELEASE, "--timeout", "10m")
    assert re.findall(r"Phase: +(\w+)", said) == ["Succeeded"] * 4, said


def test_every_pod_of_the_release_lives_under_restricted_pod_security(release: Namespace) -> None:
    labels = release.get("namespace", release.name)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    components = {
        p["metadata"]["labels"].get("app.kubernetes.io/component") for p in release.list("pods")
    }
    assert {"head", "worker", "store"} <= components
    privileged = {
        "containers": [{"name": "c", "image": "i", "securityContext": {"privileged": True}}]
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "privileged"},
        "spec": privileged,
    }
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        release.kubectl("create", "--filename", "-", stdin=yaml.safe_dump(pod))


def test_data_go_up_results_come_down_and_equal_a_local_run(
    release: Namespace, write: Write, local_table: Table, fetched_table: Fetched, tmp_path: Path
) -> None:
    size = {"n_samples": 500, "n_causes": 8, "n_symptoms": 40, "n_sites": 3}
    deaths = load_dataset(
        DataConfig.model_validate({"format": "synthetic", "synthetic": size}), read_bytes
    )
    table = pd.DataFrame(deaths.X, columns=list(deaths.features))
    table["site"] = [deaths.sites[i] for i in deaths.site]
    table["va34"] = [deaths.causes[i] for i in deaths.y]
    table.to_csv(tmp_path / "deaths.csv", index=False)
    data = {"source": "deaths.csv", "format": "table", "label": "va34", "site": "site"}
    models = ["xgboost", "random_forest", "logistic_regression", "naive_bayes"]
    experiment = write("phmrc-like", data=data, models=models, validation=CHEAP, tuning={
        "search_method": "random", "n_trials": 3, "cv_folds": 3,
        "search_spaces": {
            "xgboost": {"n_estimators": [5, 10], "max_depth": [2, 4]},
            "random_forest": {"n_estimators": [10, 20], "max_depth": [None, 4]},
            "logistic_regression": {"C": [0.01, 0.1, 1.0], "penalty": ["l2"]},
            "naive_bayes": {"smoothing": [0.3, 1.0, 3.0]},
        },
    })  # fmt: skip
    manifest = release.va_tuning("submit", experiment, "--upload", "--dry-run")
    release.va_tuning("submit", experiment, "--upload")
    release.must_succeed("phmrc-like")
    assert fetched_table("phmrc-like") == local_table(experiment)
    assert (tmp_path / "fetched" / "phmrc-like" / "report.html").exists()
    assert re.search(r"phmrc-like +succeeded .*the installed cluster", release.va_tuning("list"))

    # what it tuned is what the comparison takes, in the cluster
    submitted = yaml.safe_load_all(manifest).__next__()["data"]["experiment.yaml"]
    same_data = json.dumps(yaml.safe_load(submitted)["data"])
    comparison = (ROOT / "manifests" / "comparison.yaml").read_text()
    comparison = comparison.replace("{format: synthetic}", same_data).replace(
        "on-installed-cluster", "phmrc-like"
    )
    release.kubectl("apply", "--filename", "-", stdin=comparison)
    release.must_succeed("comparison")
    release.va_tuning("fetch", "comparison", "--output", tmp_path / "fetched")
    full = pd.read_csv(tmp_path / "fetched" / "comparison" / "full_results.csv")
    assert set(full[full.tuned].model) == set(models)
    assert full.error.isna().all()


def test_a_space_in_a_config_map_is_what_is_searched(
    release: Namespace, write: Write, tmp_path: Path
) -> None:
    experiment = write("from-config-map", tuning={
        "search_method": "grid", "cv_folds": 2, "search_spaces": "/etc/va-tuning/search-spaces",
    })  # fmt: skip
    name = f"{RELEASE}-space-random-forest"
    before = release.get("configmap", name)["data"]
    space = {"random_forest.yaml": yaml.safe_dump({"n_estimators": [7, 9], "max_depth": [3]})}
    release.kubectl(
        "patch", "configmap", name, "--type", "merge", "--patch", yaml.safe_dump({"data": space})
    )
    try:
        said = release.va_tuning("submit", experiment, "--own-cluster", "--follow")
    finally:
        release.kubectl(
            "patch",
            "configmap",
            name,
            "--type",
            "merge",
            "--patch",
            yaml.safe_dump({"data": before}),
        )
    assert "random_forest 2 of 2 trials" in said
    release.va_tuning("fetch", "from-config-map", "--output", tmp_path)
    searched = [
        yaml.safe_load(path.read_text())["params"]
        for path in (tmp_path / "from-config-map" / "random_forest" / "trials").glob("0*.json")
    ]
    assert sorted((s["n_estimators"], s["max_depth"]) for s in searched) == [(7, 3), (9, 3)]


def test_a_wrong_experiment_fails_its_rayjob_says_why_and_writes_nothing(
    release: Namespace, write: Write
) -> None:
    right = yaml.safe_load_all(release.va_tuning("submit", write("wrong"), "--dry-run"))
    config_map, rayjob = right
    content = yaml.safe_load(config_map["data"]["experiment.yaml"])
    content["tuning"]["n_trial"] = 5
    config_map["data"]["experiment.yaml"] = yaml.safe_dump(content)
    rayjob["spec"]["submitterConfig"]["backoffLimit"] = 0
    release.kubectl("apply", "--filename", "-", stdin=yaml.safe_dump_all([config_map, rayjob]))
    assert release.wait_for_end("wrong") == "FAILED"
    assert "tuning.n_trial: is not a known key" in release.va_tuning("logs", "wrong")
    assert "tuning.n_trial: is not a known key" in release.va_tuning("status", "wrong")
    code, said = release.va_tuning_fails("fetch", "wrong")
    assert (code, "holds no results yet" in said) == (2, True)


@pytest.mark.long
def test_two_experiments_at_once_and_one_is_cancelled(
    release: Namespace, write: Write, local_table: Table, fetched_table: Fetched
) -> None:
    long = write("long", tuning={**_tuning(write("long")), "n_trials": 500, "search_spaces": {
        "random_forest": {
            "n_estimators": {"low": 20, "high": 400, "step": 1}, "max_depth": [None, 4, 8],
        },
    }})  # fmt: skip
    release.va_tuning("submit", long)
    side_by_side = write("side-by-side")
    said = release.va_tuning("submit", side_by_side, "--follow")
    assert "experiment side-by-side: succeeded" in said
    assert "running" in release.va_tuning("status", "long")
    release.va_tuning("cancel", "long")
    assert fetched_table("side-by-side") == local_table(side_by_side)
    time.sleep(15)  # in which a job that was stopped may still write
    kept = fetched_table("long")
    assert kept.count("\n") > 2
    time.sleep(5)
    assert fetched_table("long") == kept  # it has really stopped


OWN = """
import numpy as np
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer


def bernoulli(alpha=1.0):
    return make_pipeline(Binarizer(threshold=0.5), BernoulliNB(alpha=alpha))


def within_sites(P, y, site):
    right = P.argmax(axis=1) == y
    return np.mean([right[site == one].mean() for one in np.unique(site)])
"""


@pytest.mark.parametrize("own_cluster", [False, pytest.param(True, marks=pytest.mark.long)])
def test_estimators_and_metrics_of_ones_own_travel_and_give_the_same_trials(
    own_cluster: bool,
    release: Namespace,
    write: Write,
    local_table: Table,
    fetched_table: Fetched,
    tmp_path: Path,
) -> None:
    (tmp_path / "va_own.py").write_text(OWN)
    name = "own-code-alone" if own_cluster else "own-code"
    experiment = write(
        name,
        models=["boosting", "bernoulli"],
        validation=CHEAP,
        estimators={
            "boosting": {
                "class": "sklearn.ensemble.HistGradientBoostingClassifier",
                "fixed": {"early_stopping": False},
                "path": "max_iter",
            },
            "bernoulli": {"class": "va_own:bernoulli"},
        },
        tuning={
            "search_method": "random",
            "n_trials": 4,
            "cv_folds": 3,
            "scoring_metric": "va_own:within_sites",
            "search_spaces": {
                "boosting": {"max_leaf_nodes": [4, 8], "max_iter": [5, 10]},
                "bernoulli": {"bernoullinb__alpha": [0.1, 0.5, 1.0, 5.0]},
            },
        },
    )
    where = ["--own-cluster"] if own_cluster else []
    release.va_tuning("submit", experiment, *where)
    release.must_succeed(name)
    assert fetched_table(name) == local_table(experiment)
    code, _, said = run("predict", tmp_path / "fetched" / name, "nowhere.csv")
    assert code == 2
    assert "--trust sklearn" in said


def _tuning(path: Path) -> dict[str, object]:
    tuning: dict[str, object] = yaml.safe_load(path.read_text())["tuning"]
    return tuning
