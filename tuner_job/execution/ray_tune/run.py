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

from tuner_job.config.experiment import ModelName
from tuner_job.errors import Interrupted, RunError
from tuner_job.execution.drive import most_fail, too_many_failures
from tuner_job.execution.ray_runner import RayRunner
from tuner_job.execution.ray_start import require_cpus
from tuner_job.execution.ray_tune.proposals import Proposals, ProposalSearcher, Start
from tuner_job.execution.ray_tune.reporting import Limits, Reporter
from tuner_job.execution.ray_tune.schedulers import largest_size, make_scheduler, step_size, teach
from tuner_job.execution.ray_tune.storage import NAME, TuneFolder
from tuner_job.execution.ray_tune.trainable import Place, TrialTrainable
from tuner_job.models import FAMILIES, GROWING
from tuner_job.problem import Prepared
from tuner_job.records import StopReason, TrialRecord
from tuner_job.search.samplers import make_tuner
from tuner_job.search.samplers.free import Sizes
from tuner_job.search.trial import Trial

_WORKER_RETRIES = 2  # of a trial whose worker died
_PENDING = 200
"""Trials that wait for CPUs at most, so that a cluster which can grow does."""
_KEPT_CHECKPOINTS = (
    4  # of a member of a population: one that is handed on must last until it is read
)
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


def search_models(
    prepared: Prepared,
    url: str,
    stored: Mapping[ModelName, Sequence[TrialRecord]],
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
    url
        Address of the experiment's results.
    stored
        Model → its finished trials, of an earlier run.
    used
        Wall time and seconds of fitting that are used up of the budget.

    Raises
    ------
    Interrupted
        `should_stop` said so.
    """
    budget = prepared.config.budget
    require_cpus(budget.cpus_per_trial)
    started, cpu_seconds = time.monotonic() - used[0], used[1]
    reasons: list[StopReason] = []
    given_up: dict[str, RunError] = {}
    for n, model in enumerate(stored):
        left = len(stored) - n
        wall = _share(budget.timeout, time.monotonic() - started, left)
        search = _Search(prepared, f"{url}/{model}", model, stored[model], runner, on_finished)
        try:
            reasons.append(
                search.run(wall, _share(budget.cpu_seconds, cpu_seconds, left), should_stop)
            )
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
        prepared: Prepared,
        url: str,
        model: ModelName,
        stored: Sequence[TrialRecord],
        runner: RayRunner,
        on_finished: Callable[[Searched, Trial], None],
    ):
        config = prepared.config
        self._tuning, self._budget, self._model, self._runner = (
            config.tuning,
            config.budget,
            model,
            runner,
        )
        self._folder = TuneFolder.below(url)
        self._searched, self._on_finished = Searched(model), on_finished
        family, space, objective = FAMILIES[model], config.space(model), config.tuning.objectives[0]
        self.reporter = Reporter(objective, runner.keep, self._finished)
        finished = {record.trial: record for record in stored if record.trial >= 0}
        largest = largest_size(family, space, prepared.n_folds)
        self._scheduler = make_scheduler(self._tuning, family, space, largest, config.seed)
        teach(self._scheduler, finished.values())
        step = step_size(self._tuning.search_method, largest)
        cpus, staged = self._budget.cpus_per_trial, self._tuning.search_method == "pbt"
        grows = family.name in GROWING and not staged
        sizes = (
            Sizes(space, str(family.path_parameter))
            if self._tuning.free_knowledge and grows
            else None
        )
        self._place = Place(runner.data, model, objective, step, cpus, staged, self._folder, sizes)
        under_way, self._run_number = self._folder.under_way()
        n_trials = min(n for n in (self._tuning.n_trials, self._budget.max_trials) if n)
        self._learns = self._tuning.search_method == "optuna"
        # a search that goes on must not make the draws again that it began with
        tuner = make_tuner(
            self._tuning, space, None, config.seed + (len(finished) if self._learns else 0)
        )
        if self._learns:
            tuner.remember(list(finished.values()), objective)  # type: ignore[attr-defined]
        self._proposals = Proposals(
            tuner,
            self._learns,
            n_trials,
            finished,
            under_way,
            objective,
            lambda t: on_finished(self._searched, t),
        )
        self._n_trials = n_trials

    def run(
        self, seconds: float | None, cpu_seconds: float | None, should_stop: Callable[[], bool]
    ) -> StopReason:
        """Search until all trials have ended or the limits are reached."""
        limits = Limits(self.reporter, seconds, cpu_seconds, should_stop)
        search = self._by_list(self._all_proposals()) if self._place.staged else self._by_searcher()
        for _ in range(1 + _WORKER_RETRIES):
            if search and not limits.stop_all():
                self._run(search, limits)
                search = self._by_list(self._again())
        self.reporter.record_lost()
        if should_stop():
            raise Interrupted
        if most_fail(self.reporter.counts):
            raise too_many_failures(self._model, self.reporter.counts, self.reporter.last_error)
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
        """Ask for configurations one by one: `lag` of them under way at most if the tuner learns
        from them."""
        limit = self._tuning.lag if self._learns else max(_PENDING, 2 * self._runner.n_slots)
        concurrent = min(limit, self._budget.max_concurrent_trials or limit)
        searcher = ProposalSearcher(self._proposals)
        return {
            "search_alg": searcher,
            "num_samples": self._n_trials,
            "max_concurrent_trials": concurrent,
        }

    def _by_list(self, starts: Sequence[Start]) -> dict[str, Any]:
        """List configurations, all of which are there from the beginning, as a population's must
        be."""
        return (
            {"config": {"trial": tune.grid_search([start.config["trial"] for start in starts])}}
            if starts
            else {}
        )

    def _all_proposals(self) -> list[Start]:
        starts = []
        while start := self._proposals.next():
            starts.append(start)
        return starts

    def _again(self) -> list[Start]:
        """List the trials that Ray Tune gave up; it does so where a worker dies between two
        trials."""
        lost = self.reporter.take_lost()
        if not lost:
            return []
        under_way, self._run_number = self._folder.under_way()
        self._run_number += 1
        return [
            Start(number, under_way[number][0].params, under_way[number][1])
            if number in under_way
            else Start(number, params)
            for number, params in lost.items()
        ]

    def _finished(self, trial: Trial) -> None:
        self._on_finished(self._searched, trial)
        self._proposals.tell(trial)

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
