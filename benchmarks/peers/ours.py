"""va-tuning as one of the searches: its file, its command, its trials; and the problem made for
the others."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from benchmarks.peers.problem import Candidate, Problem
from tuner_job import Prepared, load_experiment, prepare

HOLDOUT = 1 / 3


@dataclass(frozen=True)
class Setting:
    """What all searches of one comparison share.

    Attributes
    ----------
    data
        The section `data` of an experiment file.
    space
        See `Problem`; lists of values only where the whole grid is searched.
    seconds
        None: until the grid is done.
    default
        See `Problem`.
    """

    data: Mapping[str, Any]
    model: str
    space: Mapping[str, Any]
    metric: str
    seed: int
    cores: int
    n_folds: int = 5
    seconds: float | None = None
    holdout: float = 0.0
    default: Mapping[str, Any] = field(default_factory=dict)


def write_experiment(setting: Setting, folder: Path, early_stopping: str) -> Path:
    """Write the experiment file."""
    content: dict[str, Any] = {
        "name": "peers",
        "data": dict(setting.data),
        "models": [setting.model],
        "seed": setting.seed,
        "tuning": {
            "search_method": "bayesian" if setting.seconds else "grid",
            "cv_folds": setting.n_folds,
            "lag": 2 * setting.cores,
            "scoring_metric": setting.metric,
            "early_stopping": early_stopping,
            "search_spaces": {setting.model: dict(setting.space)},
        },
        # the plainest protocol, so that scores are what the peers' are
        "validation": {
            "scheme": "stratified",
            "csmf_estimators": ["count"],
            "holdout": setting.holdout,
        },
        "results": str(folder / "results"),
    }
    if setting.seconds:
        content["tuning"] |= {"n_trials": 100_000}
        content["budget"] = {"timeout": f"{setting.seconds:g}s"}
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def make_problem(setting: Setting, folder: Path) -> tuple[Problem, Prepared]:
    """Lay out the same rows and folds for the peers; the held-out rows stay with `Prepared`."""
    prepared = prepare(load_experiment(write_experiment(setting, folder, "none")))
    data = prepared.search_data
    problem = Problem(
        folder=folder,
        X=data.X,
        y=data.y,
        folds=prepared.folds,
        n_classes=data.n_causes,
        model=setting.model,
        space=setting.space,
        metric=setting.metric,
        seed=setting.seed,
        cores=setting.cores,
        seconds=setting.seconds,
        default=setting.default,
    )
    problem.save()
    return problem, prepared


def command(path: Path, cores: int) -> list[str]:
    """Return the command that a user would type."""
    return [sys.executable, "-m", "tuner_job", "tune", str(path), "--workers", str(cores)]


def read_trials(folder: Path, metric: str) -> tuple[list[Candidate], float, int]:
    """Return complete configurations, the seconds of all fits (the untuned default's too),
    configurations asked."""
    records = [
        json.loads(path.read_text())
        for path in sorted((folder / "results" / "peers").glob("*/trials/*.json"))
    ]
    seconds = {
        record["trial"]: sum(fold["fit_seconds"] for fold in record["folds"]) for record in records
    }
    candidates = [
        Candidate(
            params=record["params"],
            score=record["scores"][metric],
            at=datetime.fromisoformat(record["finished_at"]).timestamp(),
            fit_seconds=seconds[record["trial"]],
        )
        for record in records
        if record["trial"] >= 0
        and record["state"] == "complete"
        and record.get("duplicate_of") is None
    ]
    return (
        candidates,
        sum(seconds.values()),
        sum(record["trial"] >= 0 for record in records),
    )
