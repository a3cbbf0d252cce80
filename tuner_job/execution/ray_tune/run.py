"""Run the searches of an experiment on Ray Tune, one model after the other."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from ray import tune

from tuner_job.config.budget import Budget
from tuner_job.config.tuning import HyperparameterSearchConfig, ModelName
from tuner_job.errors import Interrupted, RunError
from tuner_job.execution.ray_runner import RayRunner
from tuner_job.execution.ray_start import require_cpus
from tuner_job.execution.ray_tune.proposals import ProposalSearcher, TrialStart, starts
from tuner_job.execution.ray_tune.reporting import Limits, Reporter
from tuner_job.execution.ray_tune.schedulers import largest_size, make_scheduler, step_size, teach
from tuner_job.execution.ray_tune.storage import NAME, TuneFolder
from tuner_job.execution.ray_tune.trainable import SearchSettings, TrialTrainable
from tuner_job.models import Families
from tuner_job.records import StopReason, TrialRecord
from tuner_job.search.samplers import make_sampler
from tuner_job.search.trial import Trial
from tuner_job.search_space import SearchSpace

_WORKER_RETRIES = 2  # of a trial whose worker died
_PENDING = 200
"""Trials that wait for CPUs at most, so that a cluster which can grow does."""
_KEPT_CHECKPOINTS = 4
"""Of a member of a population: one that is handed on must last until it is read."""
_QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the results store has what they would write
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # signals are ours, see `process`
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # they are in the records
    "RAY_AIR_NEW_OUTPUT": "0",
}


@dataclass(frozen=True)
class Searched:
    """A search as the recorder wants to know it."""

    model: str


@dataclass(frozen=True)
class Wanted:
    """What is to be searched, and how far.

    Attributes
    ----------
    spaces
        Model → its search space, for those that are searched.
    stored
        Model → the trials of its search that an earlier run finished.
    url
        Address of the experiment's results.
    families
        Those that models are of.
    """

    tuning: HyperparameterSearchConfig
    budget: Budget
    spaces: Mapping[ModelName, SearchSpace]
    stored: Mapping[ModelName, Sequence[TrialRecord]]
    n_folds: int
    seed: int
    url: str
    families: Families


def search_models(
    wanted: Wanted,
    runner: RayRunner,
    on_finished: Callable[[Searched, Trial], None],
    used: tuple[float, float],
    should_stop: Callable[[], bool],
) -> tuple[StopReason, dict[str, RunError]]:
    """Search each model.

    Returns
    -------
    Why the first search that did not finish ended; and the models whose search was given up, with
    the reason.

    Parameters
    ----------
    used
        Wall time and seconds of fitting that are used up of the budget.

    Raises
    ------
    Interrupted
        `should_stop` said so.
    """
    budget = wanted.budget
    require_cpus(budget.cpus_per_trial)
    started, cpu_seconds = time.monotonic() - used[0], used[1]
    reasons: list[StopReason] = []
    given_up: dict[str, RunError] = {}
    for n, model in enumerate(wanted.spaces):
        left = len(wanted.spaces) - n
        wall = _share(budget.timeout, time.monotonic() - started, left)
        seconds = _share(budget.cpu_seconds, cpu_seconds, left)
        search = _Search(wanted, model, runner, on_finished)
        try:
            reasons.append(search.run(wall, seconds, should_stop))
        except Interrupted:
            raise
        except RunError as error:  # the other models know nothing of it
            given_up[model] = error
        cpu_seconds += search.reporter.seconds
    return next((reason for reason in reasons if reason != "finished"), "finished"), given_up


def _share(limit: float | None, used: float, n_models: int) -> float | None:
    """Share evenly what is left of a budget."""
    return None if limit is None else max(0.0, limit - used) / n_models


class _Search:
    """The search of one model."""

    def __init__(
        self,
        wanted: Wanted,
        model: ModelName,
        runner: RayRunner,
        on_finished: Callable[[Searched, Trial], None],
    ):
        self._tuning, self._budget = wanted.tuning, wanted.budget
        self._model, self._runner = model, runner
        self._folder = TuneFolder.below(f"{wanted.url}/{model}")
        self._searched, self._on_finished = Searched(model), on_finished
        family, space, objective = (
            wanted.families[model],
            wanted.spaces[model],
            wanted.tuning.objectives[0],
        )
        stored = wanted.stored[model]
        self.reporter = Reporter(objective, runner.keep, self._finished, stored)
        finished = {record.trial: record for record in stored}
        largest = largest_size(family, space, wanted.n_folds)
        self._scheduler = make_scheduler(self._tuning, family, space, largest, wanted.seed)
        teach(self._scheduler, finished.values())
        step = step_size(self._tuning.search_method, largest)
        cpus, staged = self._budget.cpus_per_trial, self._tuning.search_method == "pbt"
        self._place = SearchSettings(
            runner.data, model, objective, step, cpus, staged, self._folder
        )
        under_way, self._run_number = self._folder.under_way()
        self._n_trials = min(n for n in (self._tuning.n_trials, self._budget.max_trials) if n)
        sampler = make_sampler(self._tuning, space, None, wanted.seed)
        self._left = starts(sampler, self._n_trials, finished, under_way)

    def run(
        self, seconds: float | None, cpu_seconds: float | None, should_stop: Callable[[], bool]
    ) -> StopReason:
        """Search until all trials have ended or the limits are reached."""
        limits = Limits(self.reporter, seconds, cpu_seconds, should_stop)
        search = self._by_list(list(self._left)) if self._place.staged else self._by_searcher()
        for _ in range(1 + _WORKER_RETRIES):
            if search and not limits.stop_all():
                self._run(search, limits)
                search = self._by_list(self._again())
        self.reporter.record_lost()
        if should_stop():
            raise Interrupted
        if self.reporter.most_fail:
            raise RunError(f"{self._model}: {self.reporter.most_fail}")
        return limits.reason

    def _run(self, search: dict[str, Any], limits: Limits) -> None:
        with _quiet():
            tune.run(
                tune.with_parameters(TrialTrainable, place=self._place),
                name=NAME,
                storage_path=self._folder.parent,
                storage_filesystem=self._folder.filesystem,
                scheduler=self._scheduler,
                resources_per_trial=self._resources(),
                stop=limits,
                callbacks=[self.reporter],
                checkpoint_config=self._checkpoints(),
                reuse_actors=True,
                max_failures=_WORKER_RETRIES,
                raise_on_failed_trial=False,
                trial_dirname_creator=partial(_dirname, self._run_number),
                verbose=0,
                **search,
            )

    def _by_searcher(self) -> dict[str, Any]:
        """Begin configurations one by one."""
        limit = max(_PENDING, 2 * self._runner.n_slots)
        return {
            "search_alg": ProposalSearcher(self._left),
            "num_samples": self._n_trials,
            "max_concurrent_trials": min(limit, self._budget.max_concurrent_trials or limit),
        }

    def _by_list(self, starts: Sequence[TrialStart]) -> dict[str, Any]:
        """List configurations, all of which are there from the beginning, as a population's must
        be."""
        return (
            {"config": {"trial": tune.grid_search([start.config["trial"] for start in starts])}}
            if starts
            else {}
        )

    def _again(self) -> list[TrialStart]:
        """List the trials that Ray Tune gave up; it does so where a worker dies between two
        trials."""
        lost = self.reporter.take_lost()
        if not lost:
            return []
        under_way, self._run_number = self._folder.under_way()
        self._run_number += 1
        return [
            TrialStart(number, under_way[number][0].params, under_way[number][1])
            if number in under_way
            else TrialStart(number, params)
            for number, params in lost.items()
        ]

    def _finished(self, trial: Trial) -> None:
        self._on_finished(self._searched, trial)

    def _resources(self) -> tune.PlacementGroupFactory:
        memory = self._budget.memory_per_task
        return tune.PlacementGroupFactory(
            [{"CPU": self._budget.cpus_per_trial, **({"memory": memory} if memory else {})}]
        )

    def _checkpoints(self) -> tune.CheckpointConfig:
        """Only members of a population leave checkpoints: other trials begin again if their
        worker dies."""
        if not self._place.staged:
            return tune.CheckpointConfig()
        return tune.CheckpointConfig(checkpoint_frequency=1, num_to_keep=_KEPT_CHECKPOINTS)


def _dirname(run_number: int, trial: Any) -> str:
    return f"{trial.config['trial']['number']:06d}-{run_number:03d}"


@contextmanager
def _quiet() -> Any:
    """Have Ray Tune say nothing; what there is to say, the records and the progress display do."""
    before = {name: os.environ.get(name) for name in _QUIET}
    logger = logging.getLogger("ray.tune")
    level = logger.level
    os.environ.update(_QUIET)
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
