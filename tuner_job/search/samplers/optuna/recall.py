"""What a sampler is shown once there are very many trials."""

import copy
import heapq
from collections import deque
from collections.abc import Container, Sequence

from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState


class Recall(InMemoryStorage):
    """Shows a sampler the running trials and, of the finished ones, half best and half latest, once
    they are many.

    Parameters
    ----------
    limit
        As long as no more have finished, all of them are shown.
    """

    def __init__(self, limit: int):
        super().__init__()
        self._limit, self._n_finished = limit, 0
        self._running: set[int] = set()
        self._waiting: set[int] = set()
        self._latest: deque[int] = deque(maxlen=limit // 2)
        self._best: list[
            tuple[float, int]
        ] = []  # heap of (value, -id): of equals the earliest stay

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Count it among the running ones."""
        trial_id = super().create_new_trial(study_id, template_trial)
        self._running.add(trial_id)
        self._note(self.get_trial(trial_id))
        return trial_id

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Count it among the finished ones."""
        changed = super().set_trial_state_values(trial_id, state, values)
        self._note(self.get_trial(trial_id))
        return changed

    def _note(self, trial: FrozenTrial) -> None:
        self._waiting.discard(trial._trial_id)
        if trial.state == TrialState.WAITING:
            self._waiting.add(trial._trial_id)
        if not trial.state.is_finished():
            return
        self._n_finished += 1
        self._running.discard(trial._trial_id)
        self._latest.append(trial._trial_id)
        if trial.state == TrialState.COMPLETE:
            heapq.heappush(self._best, (trial.values[0], -trial._trial_id))
            if len(self._best) > self._limit // 2:
                heapq.heappop(self._best)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Trials that the sampler knows of, in their order."""
        if states == (TrialState.WAITING,):  # asked for at every suggestion
            shown = sorted(self._waiting)
        elif self._n_finished <= self._limit:
            return super().get_all_trials(study_id, deepcopy, states)
        else:
            shown = sorted(
                self._running | set(self._latest) | {-negated for _, negated in self._best}
            )
        trials = [
            trial for trial in map(self.get_trial, shown) if states is None or trial.state in states
        ]
        return copy.deepcopy(trials) if deepcopy else trials
