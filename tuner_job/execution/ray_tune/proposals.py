"""Which configuration is tried next: the strategies of `tuners` by number, past what an earlier
run has done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ray.tune.search import Searcher

from tuner_job.execution.ray_tune.checkpoint import Progress
from tuner_job.execution.ray_tune.trainable import SCORE
from tuner_job.records import TrialRecord
from tuner_job.search.samplers.base import Tuner
from tuner_job.search.trial import Trial


@dataclass(frozen=True)
class Start:
    """A trial to begin, or to go on with from a checkpoint."""

    number: int
    params: Mapping[str, Any]
    checkpoint: str | None = None

    @property
    def config(self) -> dict[str, Any]:
        """The trial as Ray Tune hands it to a trainable."""
        return {
            "trial": {
                "number": self.number,
                "params": dict(self.params),
                "checkpoint": self.checkpoint,
            }
        }


class Proposals:
    """Numbered configurations, none of them twice.

    Parameters
    ----------
    tuner
        Independent draws: trial t has the t-th of them, in an interrupted search too. A tuner that
        learns has been told of `stored` and proposes for the numbers that are missing.
    learns
        Whether the tuner does.
    stored
        Finished trials of an earlier run, by number.
    under_way
        Trials that have a checkpoint.
    on_duplicate
        Called with a trial that repeats a finished one.
    """

    def __init__(
        self,
        tuner: Tuner,
        learns: bool,
        n_trials: int,
        stored: Mapping[int, TrialRecord],
        under_way: Mapping[int, tuple[Progress, str]],
        objective: str,
        on_duplicate: Callable[[Trial], None],
    ):
        self._tuner, self._learns, self._n_trials = tuner, learns, n_trials
        self._stored, self._under_way, self._on_duplicate = stored, under_way, on_duplicate
        self._next = 0
        self._asked: dict[int, int] = {}  # number → how many were asked before it
        self._finished = {
            number: Trial.of(record, [objective]) for number, record in stored.items()
        }
        earliest_last = sorted(stored.items(), reverse=True) if learns else []
        self._by_params = {_key(record.params): number for number, record in earliest_last}
        self._waiting: list[Trial] = []  # duplicates of trials that run

    def next(self) -> Start | None:
        """Return the next trial to run; None when there is none left."""
        while self._next < self._n_trials:
            number, self._next = self._next, self._next + 1
            if number in self._stored and self._learns:
                continue
            proposed = self._tuner.ask()
            if proposed is None:
                self._next = self._n_trials
                return None
            if number in self._stored:
                continue
            if number in self._under_way:
                progress, path = self._under_way[number]
                return Start(number, progress.params, path)
            self._asked[number] = len(self._asked)
            original = self._by_params.setdefault(_key(proposed[0]), number)
            if original == number:
                return Start(number, proposed[0])
            self._settle(Trial(number, number, proposed[0], duplicate_of=original))
        return None

    def tell(self, trial: Trial) -> None:
        """Take how a trial ended."""
        self._finished[trial.number] = trial
        self._learn(trial)
        waiting, self._waiting = self._waiting, []
        for duplicate in waiting:
            self._settle(duplicate)

    def _settle(self, duplicate: Trial) -> None:
        original = self._finished.get(duplicate.duplicate_of or 0)
        if original is None:
            self._waiting.append(duplicate)
            return
        duplicate.take_result(original)
        duplicate.params = original.params
        self._learn(duplicate)
        self._on_duplicate(duplicate)

    def _learn(self, trial: Trial) -> None:
        if self._learns and trial.number in self._asked:
            asked = self._asked[trial.number]
            self._tuner.tell([replace(trial, number=asked, batch=asked)])


class ProposalSearcher(Searcher):  # type: ignore[misc]
    """Proposals for Ray Tune; how trials end they are told directly."""

    def __init__(self, proposals: Proposals):
        super().__init__(metric=SCORE, mode="max")
        self._proposals = proposals

    def suggest(self, trial_id: str) -> Any:
        """Return the next configuration."""
        start = self._proposals.next()
        return start.config if start else Searcher.FINISHED

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing to do."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the results store knows the trials."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


def _key(params: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple((name, type(value), value) for name, value in sorted(params.items()))
