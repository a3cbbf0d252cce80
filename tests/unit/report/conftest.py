"""Experiments whose records hang together, made from a seed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tuner_job.evaluation.metrics import CSMF_CHANCE
from tuner_job.records import (
    CauseRecord,
    ExperimentSummary,
    FoldRecord,
    Interval,
    ModelSummary,
    Provenance,
    Scores,
    StudySummary,
    TrialRecord,
    TrialState,
)
from tuner_job.report.page import render_report

DEFAULT_PARAMS: dict[str, Any] = {"max_depth": None, "learning_rate": 0.3, "booster": "tree"}


@dataclass
class Experiment:
    """What `render_report` takes."""

    summary: ExperimentSummary
    provenance: Provenance
    trials: Mapping[str, Sequence[TrialRecord]]

    def render(self) -> str:
        return render_report(self.summary, self.provenance, self.trials)


class Maker:
    """Draws the numbers of an experiment."""

    def __init__(self, causes: Sequence[str], objectives: Sequence[str], n_folds: int = 3):
        self.random = np.random.default_rng(11)
        self.causes, self.objectives, self.n_folds = list(causes), list(objectives), n_folds

    def scores(self, level: float) -> Scores:
        corrected = (level - CSMF_CHANCE) / (1 - CSMF_CHANCE)
        return {
            "csmf_accuracy": level,
            "cccsmf_accuracy": corrected,
            "cod_accuracy": level / 2,
            "ccc": level / 3,
        }

    def params(self) -> dict[str, Any]:
        drawn = {
            "max_depth": self.random.choice(np.array([None, 3, 6], dtype=object)),
            "learning_rate": float(10 ** self.random.uniform(-3, 0)),
            "booster": str(self.random.choice(["tree", "dart"])),
        }
        if drawn["booster"] == "dart":
            drawn["rate_drop"] = float(self.random.uniform(0, 0.5))
        return drawn

    def trial(self, number: int, state: TrialState, params: dict[str, Any]) -> TrialRecord:
        levels = 0.7 + 0.05 * self.random.standard_normal(self.n_folds)
        n_run = {"complete": self.n_folds, "pruned": 1, "failed": 0}[state]
        folds = [
            FoldRecord(
                fold=fold, n_validation=50, validation=self.scores(level),
                train=self.scores(level + 0.1),
                fit_seconds=0.5,
            )
            for fold, level in enumerate(levels[:n_run])
        ]  # fmt: skip
        return TrialRecord(
            trial=number,
            batch=number,
            params=params,
            state=state,
            folds=folds,
            scores=self.scores(float(levels.mean())) if state == "complete" else {},
            error="ValueError: <b>bad</b> & worse" if state == "failed" else None,
        )

    def model_summary(self, trial: TrialRecord) -> ModelSummary:
        true, predicted = self.random.dirichlet(np.ones(len(self.causes)), size=2).tolist()
        causes = [
            CauseRecord(
                cause=cause, n=round(150 * t), true_fraction=t, predicted_fraction=p,
                sensitivity=min(1.0, 3 * p) if i else None,
                ccc=min(1.0, 3 * p) - 0.1 if i else None,
            )
            for i, (cause, t, p) in enumerate(zip(self.causes, true, predicted, strict=True))
        ]  # fmt: skip
        level = trial.scores["csmf_accuracy"]
        return ModelSummary(
            trial=trial.trial,
            params=trial.params,
            scores=trial.scores,
            folds=[fold.validation for fold in trial.folds],
            train_scores=self.scores(level + 0.1),
            out_of_fold={
                "csmf_accuracy": Interval(
                    estimate=level + 0.011, low=level - 0.023, high=level + 0.047
                ),
                "cod_accuracy": Interval(
                    estimate=level / 2, low=level / 2 - 0.031, high=level / 2 + 0.029
                ),
            },
            causes=causes,
            fit_seconds=trial.fit_seconds,
        )

    def study(self, model: str, trials: Sequence[TrialRecord]) -> StudySummary:
        searched = [t for t in trials if t.trial >= 0]
        complete = [t for t in searched if t.state == "complete"]
        best = max(complete, key=lambda t: t.scores[self.objectives[0]], default=trials[0])
        return StudySummary(
            model=model,
            search_method="random",
            objectives=self.objectives,
            n_trials={
                "complete": len(complete),
                "pruned": sum(t.state == "pruned" for t in searched),
                "failed": sum(t.state == "failed" for t in searched),
            },
            default=self.model_summary(trials[0]),
            best=self.model_summary(best),
            pareto_front=[best.trial],
            stopped_by="finished",
            fit_seconds=sum(t.fit_seconds for t in trials),
            parameter_importance={"learning_rate": 0.617, "max_depth": 0.383}
            if len(complete) > 3
            else {},
        )

    def experiment(
        self, models: Sequence[str], states: Sequence[TrialState], **changed: Any
    ) -> Experiment:
        trials = {}
        for model in models:
            default = self.trial(-1, "complete", DEFAULT_PARAMS)
            trials[model] = [
                default,
                *(self.trial(i, s, self.params()) for i, s in enumerate(states)),
            ]
        summary = ExperimentSummary(
            name="adult-test",
            n_samples=150,
            n_features=17,
            causes=self.causes,
            sites={"Dar": 90, "Mexico": 60},
            data_notes=["3 rows without a cause were left out."],
            scheme="stratified",
            n_folds=self.n_folds,
            baselines={
                "copy_train": {"csmf_accuracy": 0.913},
                "uniform": {"csmf_accuracy": 0.321},
                "majority": {"csmf_accuracy": 0.234, "cod_accuracy": 0.123},
            },
            studies=[self.study(model, trials[model]) for model in models],
            wall_seconds=75.0,
        ).model_copy(update=changed)
        return Experiment(summary, provenance(), trials)


def provenance() -> Provenance:
    return Provenance(
        experiment_digest="e" * 64,
        data_digest="d" * 64,
        data_source="adult.csv",
        seed=4242,
        versions={"scikit-learn": "1.9.0", "xgboost-cpu": "3.2.1"},
        image=None,
        platform="Linux x86_64",
        created_at="2025-01-01T12:00:00Z",
    )


@pytest.fixture(scope="session")
def make() -> Callable[..., Experiment]:
    """Make an experiment: models, states of the searched trials, causes, objectives, changed
    fields."""

    def maker(
        models: Sequence[str] = ("xgboost",),
        states: Sequence[TrialState] = ("complete",) * 6,
        causes: Sequence[str] = ("Stroke", "TB", "Falls"),
        objectives: Sequence[str] = ("csmf_accuracy",),
        **changed: Any,
    ) -> Experiment:
        return Maker(causes, objectives).experiment(models, states, **changed)

    return maker


@pytest.fixture(scope="session")
def usual(make: Callable[..., Experiment]) -> Experiment:
    """Two models; complete, pruned and failed trials."""
    states = ("complete", "pruned", "complete", "failed") * 3
    return make(models=("xgboost", "random_forest"), states=states)


@pytest.fixture(scope="session")
def page(usual: Experiment) -> str:
    return usual.render()
