"""What the steps of one run of an experiment share."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.tuning import ModelName
from tuner_job.errors import RunError
from tuner_job.execution.runner import Runner
from tuner_job.execution.workers import Workers, workers_running
from tuner_job.problem import Prepared
from tuner_job.records import (
    CoverageRecord,
    ExperimentSummary,
    ModelSummary,
    PopulationScore,
    ResidualRecord,
    Scores,
    StartRecord,
    Step,
    StopReason,
    TrialRecord,
)
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.monitor import TuningMonitor


@dataclass(frozen=True)
class Choice:
    """What a model is to commit.

    Attributes
    ----------
    records
        All trials of its search; none of an ensemble.
    trial
        The one that is committed.
    default
        The untuned default.
    P, P_default : (n_validated, n_classes)
        Out-of-fold probabilities of the two.
    """

    records: Sequence[TrialRecord]
    trial: TrialRecord
    default: TrialRecord
    P: NDArray[np.floating[Any]]
    P_default: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Chosen:
    """A choice that was looked at.

    Attributes
    ----------
    counted, tuned
        The untuned default as it is used today, its most probable causes counted; and the trial.
    default
        The untuned default with the CSMF estimator that suits it.
    by_population, residual, coverage
        What is known of the trial's cause fractions; see `StudySummary`.
    importance
        Parameter → share of the objective's variation that it explains; see `StudySummary`.
    """

    choice: Choice
    counted: ModelSummary
    tuned: ModelSummary
    default: Step
    by_population: list[PopulationScore]
    residual: ResidualRecord
    coverage: list[CoverageRecord]
    importance: dict[str, float]


@dataclass
class Run:
    """One run of an experiment, and what its steps have found so far.

    Attributes
    ----------
    n_workers
        Processes that fit models on this machine; None: one a CPU.
    monitor
        Knows how it is going, and tells whoever wants to know.
    should_stop
        Whether somebody asked this run to end, or took it over.
    take_over
        Stop whoever runs this experiment now.
    job
        Uid of the RayJob that this run is a part of; None: of none.
    resources
        What is held until the run ends: the lease, workers.
    to_be_read
        Whether a summary and a report are written.
    unfinished
        Model → the finished trials that its search goes on from; models that are committed, all
        whole, are left out.
    start
        The experiments that it starts from; None: from none.
    reason
        Why the search ended.
    missing
        Model → why it has nothing to commit.
    fitted
        Waits for the bytes of a model that is fitted on all rows.
    held_out
        Model → ``copy_train`` and each step → metrics on rows never searched.
    """

    prepared: Prepared
    store: ExperimentStore
    n_workers: int | None
    monitor: TuningMonitor
    should_stop: Callable[[], bool]
    take_over: bool
    job: str | None
    resources: ExitStack
    to_be_read: bool = True
    started: float = field(default_factory=time.monotonic)
    unfinished: dict[ModelName, Sequence[TrialRecord]] = field(default_factory=dict)
    workers: Workers | None = None
    start: StartRecord | None = None
    runner: Runner | None = None
    reason: StopReason = "finished"
    missing: dict[str, RunError] = field(default_factory=dict)
    choices: dict[ModelName, Choice] = field(default_factory=dict)
    chosen: dict[ModelName, Chosen] = field(default_factory=dict)
    fitted: Callable[[ModelName], bytes] | None = None
    held_out: dict[str, Mapping[str, Scores]] = field(default_factory=dict)
    summary: ExperimentSummary | None = None

    @property
    def config(self) -> ExperimentConfig:
        """What the experiment file says."""
        return self.prepared.config

    def have_workers(self) -> Workers:
        """Return what fits run on; it is started when it is first needed.

        Raises
        ------
        InputError, RunError
            It cannot be started.
        """
        if self.workers is None:
            size, on_ray_tune = self.prepared.dataset.X.nbytes, self.config.tuning.on_ray_tune
            running = workers_running(self.config.budget, self.n_workers, size, on_ray_tune)
            self.workers = self.resources.enter_context(running)
        return self.workers
