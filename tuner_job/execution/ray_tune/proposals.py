"""Which configuration is tried next: a sampler's draws by number, past what an earlier run has
done."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ray.tune.search import Searcher

from tuner_job.execution.ray_tune.checkpoint import Progress
from tuner_job.execution.ray_tune.trainable import SCORE
from tuner_job.search.samplers.base import Sampler


@dataclass(frozen=True)
class TrialStart:
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


def starts(
    sampler: Sampler,
    n_trials: int,
    finished: Collection[int],
    under_way: Mapping[int, tuple[Progress, str]],
) -> Iterator[TrialStart]:
    """Go through the trials that are left: trial t has the t-th draw, in a search that goes on too.

    Parameters
    ----------
    sampler
        Draws each configuration once, and does not learn.
    finished
        Trials that an earlier run finished.
    under_way
        Trials that have a checkpoint → how far they are, and where it is.
    """
    for number in range(n_trials):
        drawn = sampler.ask()
        if drawn is None:
            return
        if number in finished:
            continue
        if number in under_way:
            progress, path = under_way[number]
            yield TrialStart(number, progress.params, path)
        else:
            yield TrialStart(number, drawn[0])


class ProposalSearcher(Searcher):  # type: ignore[misc]
    """Trials to begin, for Ray Tune, which asks for one when there is room for it."""

    def __init__(self, left: Iterator[TrialStart]):
        super().__init__(metric=SCORE, mode="max")
        self._left = left

    def suggest(self, trial_id: str) -> Any:
        """Return the next configuration."""
        start = next(self._left, None)
        return start.config if start else Searcher.FINISHED

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing to learn."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the results store knows the trials."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""
