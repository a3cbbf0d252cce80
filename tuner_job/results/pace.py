"""Pace: how long a search will take, from what each of its studies has taken so far.

Nothing here reads a clock, so the same ends of the same tasks give the same estimate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tuner_job.search.effort import Effort

_ENOUGH = 4
"""Tasks a slot that must have ended before idle time is believed."""
_ALL_ROWS = 1.25
"""A fit on all rows, against one on four of five folds."""


@dataclass
class StudyPace:
    """What one study has done and taken.

    Attributes
    ----------
    planned
        Trials that will be run; None where nobody knows.
    at_once
        Tasks that can be under way at once, at most.
    effort
        Tells how many tasks it has had and will need; None where nobody knows.
    is_default
        Whether it is a model's untuned default.
    seconds
        Seconds of workers that the tasks took that it has had.
    """

    model: str
    at_once: int
    effort: Callable[[], Effort] | None
    is_default: bool = False
    seconds: float = 0.0

    @property
    def of_a_task(self) -> float | None:
        """Seconds of a worker that a task takes; None while nothing is known of it."""
        done = self.effort().done if self.effort else 0.0
        return self.seconds / done if done > 0 and self.seconds > 0 else None

    @property
    def left(self) -> float | None:
        """Tasks that are left."""
        return self.effort().left if self.effort else None


@dataclass
class Pace:
    """The studies that run together on the slots of one runner."""

    studies: dict[str, StudyPace] = field(default_factory=dict)
    """By name; a model's untuned default is a study of its own."""
    n_folds: int = 0
    _n_slots: int = 1
    _n_ended: int = 0
    _busy: float = 0.0
    """Seconds that workers spent on tasks in this run."""
    _offered: float = 0.0
    """Seconds that slots were there."""
    _last: float = 0.0

    def note(self, study: str, seconds: float, n_slots: int, now: float) -> None:
        """Take note of a task that ended.

        Parameters
        ----------
        seconds
            That a worker spent on it.
        now
            Seconds since the search began.
        """
        self.studies[study].seconds += seconds
        self._busy += seconds
        self._n_ended += 1
        self._offered += n_slots * max(0.0, now - self._last)
        self._n_slots, self._last = max(1, n_slots), now

    def search_left(self, now: float) -> float | None:
        """Seconds until every study is done; None while a study has no pace."""
        works = [(study, self._work(study)) for study in self.studies.values()]
        known = [(study, work) for study, work in works if work is not None]
        if len(known) < len(works):
            return None
        together = sum(work for _, work in known) / self._n_slots
        alone = max((work / min(self._n_slots, s.at_once) for s, work in known), default=0.0)
        return max(0.0, max(together, alone) / self._use() - (now - self._last))

    def budget_left(self, cpu_seconds: float) -> float:
        """Seconds until workers have spent so many."""
        return max(0.0, cpu_seconds - self._busy) / self._n_slots

    def fits_left(self, best: Mapping[str, float | None]) -> float:
        """Seconds that it takes to fit each model's choice on all rows, side by side.

        Parameters
        ----------
        best
            Model → seconds of the folds' fits of its best trial; None where nothing is known of it.
        """
        fits = [
            _ALL_ROWS * (self._of_model(model) or 0.0)
            if seconds is None or not self.n_folds
            else _ALL_ROWS * seconds / self.n_folds
            for model, seconds in best.items()
        ]
        return max([sum(fits) / self._n_slots, *fits], default=0.0)

    def _work(self, study: StudyPace) -> float | None:
        """Seconds of a worker that a study still needs; of one that has none yet, as long as its
        model's other study takes."""
        left = study.left
        if not left:
            return left
        pace = study.of_a_task or self._of_model(study.model)
        return None if pace is None else pace * left

    def _of_model(self, model: str) -> float | None:
        paces = [one.of_a_task for one in self.studies.values() if one.model == model]
        return max((pace for pace in paces if pace is not None), default=None)

    def _use(self) -> float:
        """Share of the slots' time that tasks have, as far as it is known: short ones need as
        long to be handed over."""
        if self._n_ended < _ENOUGH * self._n_slots or not self._offered:
            return 1.0
        under_way = 0.5 * self._n_slots * self._busy / self._n_ended
        return min(1.0, max(0.05, (self._busy + under_way) / self._offered))
