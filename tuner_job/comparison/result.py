"""The result of one experiment, and its row in the tables."""

import json
from typing import Any

from tuner_job.evaluation.protocols import Composition
from tuner_job.records import CalibrationRecord, CsmfEstimator, Interval, Stage
from tuner_job.schema import Closed

COLUMNS = (
    "experiment_id", "experiment_type", "train_site", "test_site", "csmf_accuracy",
    "cod_accuracy", "csmf_accuracy_ci", "cod_accuracy_ci", "n_train", "n_test",
    "execution_time_seconds", "tuning_time_seconds", "training_time_seconds",
    "inference_time_seconds", "worker_id", "retry_count", "error", "additional_metrics",
    "model", "training_fraction", "csmf_accuracy_ci_lower", "csmf_accuracy_ci_upper",
    "cod_accuracy_ci_lower", "cod_accuracy_ci_upper", "tuned", "tuning_method", "best_params",
    "cv_score", "cv_scores", "n_trials", "cccsmf", "ccc", "protocol", "csmf_estimator",
)  # fmt: skip
"""Of full_results.csv and its parts, in this order."""


class TunedChoice(Closed):
    """What tuning chose for one model on one training set.

    Attributes that hold None were not told by whoever tuned.
    """

    params: dict[str, Any]
    method: str
    cv_score: float | None = None
    """Mean over folds of the tuning's metric, as the search saw it: optimistic, being the best
    of many."""
    cv_scores: list[float] = []
    """The same fold by fold."""
    n_trials: int | None = None
    seconds: float = 0.0
    """Seconds of fitting in the search."""
    history: list[float | None] = []
    """Score of every trial in order; None where it was stopped or failed."""
    convergence_plot: str | None = None
    """Where the search's report with its convergence plot stands."""
    csmf_estimator: CsmfEstimator = CsmfEstimator(method="count")
    """How a CSMF is made of its probabilities, chosen with the parameters."""
    calibration: CalibrationRecord | None = None
    """From the search's out-of-fold probabilities."""
    default_csmf_estimator: CsmfEstimator | None = None
    """The one that suits the untuned default, by the same search; None before version 0.5.0."""
    default_calibration: CalibrationRecord | None = None
    """Of the untuned default's probabilities, likewise."""
    trial: int | None = None
    """Which trial of the search it is; -1 is the untuned default."""
    search: str | None = None
    """Address of the search."""
    saw_test_rows: bool = False
    """Whether the search was made on rows that tests are taken from: their scores are
    optimistic."""
    schedule: list[Stage] = []
    """If given, the model is fitted stage by stage (pbt); `params` are those of the last one."""

    def is_same(self, other: "TunedChoice | None") -> bool:
        """Whether another one makes the same fits and the same fractions."""
        what = {"params", "csmf_estimator", "calibration", "schedule"}
        return other is not None and self.model_dump(include=what) == other.model_dump(include=what)


class ExperimentResult(Closed):
    """One experiment: a model, untuned or tuned, trained here, tested there."""

    experiment_id: str
    experiment_type: str
    train_site: str
    test_site: str
    model: str
    training_fraction: float
    n_train: int
    n_test: int
    tuned: TunedChoice | None = None
    """None: the untuned default, or a baseline."""
    csmf_accuracy: Interval | None = None
    """None where the experiment failed; so are all scores."""
    cod_accuracy: Interval | None = None
    """None too for baselines that assign no death."""
    cccsmf: float | None = None
    ccc: float | None = None
    training_time_seconds: float = 0.0
    inference_time_seconds: float = 0.0
    worker_id: str = ""
    retry_count: int = 0
    error: str | None = None
    additional_metrics: dict[str, float] = {}
    protocol: Composition = "natural"
    """The compositions that were tested: natural is the test rows' own."""
    csmf_estimator: str = "count"
    """How a CSMF was made from probabilities; count: by counting the most probable causes, as
    untuned models do."""

    @property
    def best_params(self) -> dict[str, Any] | None:
        """Parameters that tuning chose; None for an untuned model."""
        return self.tuned.params if self.tuned else None

    @property
    def tuning_history(self) -> list[float | None]:
        """Score of every trial in order; empty for an untuned model."""
        return self.tuned.history if self.tuned else []

    @property
    def convergence_plot(self) -> str | None:
        """Where the tuning's report stands; None for an untuned model."""
        return self.tuned.convergence_plot if self.tuned else None

    @property
    def cv_scores(self) -> list[float]:
        """Fold scores of the chosen configuration; empty for an untuned model."""
        return self.tuned.cv_scores if self.tuned else []

    def row(self) -> dict[str, Any]:
        """One line of the tables, by `COLUMNS`; what is not known is empty, never 0."""
        tuning_seconds = self.tuned.seconds if self.tuned else 0.0
        values: dict[str, Any] = {
            **{
                name: getattr(self, name)
                for name in COLUMNS
                if name in ExperimentResult.model_fields
            },
            **_interval("csmf_accuracy", self.csmf_accuracy),
            **_interval("cod_accuracy", self.cod_accuracy),
            "additional_metrics": json.dumps(self.additional_metrics)
            if self.additional_metrics
            else None,
            "execution_time_seconds": tuning_seconds
            + self.training_time_seconds
            + self.inference_time_seconds,
            "tuning_time_seconds": tuning_seconds,
            "tuned": self.tuned is not None,
            "tuning_method": self.tuned and self.tuned.method,
            "best_params": json.dumps(self.tuned.params) if self.tuned else None,
            "cv_score": self.tuned and self.tuned.cv_score,
            "cv_scores": json.dumps(self.tuned.cv_scores) if self.tuned else None,
            "n_trials": self.tuned and self.tuned.n_trials,
        }
        return {name: values[name] for name in COLUMNS}


def _interval(name: str, interval: Interval | None) -> dict[str, Any]:
    low, high = (interval.low, interval.high) if interval else (None, None)
    return {
        name: interval.estimate if interval else None,
        f"{name}_ci": json.dumps([low, high]) if interval else None,
        f"{name}_ci_lower": low,
        f"{name}_ci_upper": high,
    }
