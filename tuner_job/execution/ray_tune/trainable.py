"""The class trainable: what an actor of Ray Tune does for a trial."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ray import tune

from tuner_job.errors import StoreError
from tuner_job.evaluation.assessment import needs_assessment
from tuner_job.execution.fold_task import assess_trial
from tuner_job.execution.ray_runner import shared_data
from tuner_job.execution.ray_tune.checkpoint import FILE, Progress, read_begun, write_checkpoint
from tuner_job.execution.ray_tune.storage import TuneFolder
from tuner_job.execution.ray_tune.trial_fit import Begun, TrialFit, begin
from tuner_job.failure import describe_failure
from tuner_job.records import Stage

logger = logging.getLogger(__name__)

SCORE = "score"
"""What Ray Tune maximises: the mean validation score of the folds so far."""
SIZE = "size"
"""What Ray Tune takes for time: rounds, trees or folds so far."""
PROGRESS = "progress"
"""How far the trial is, as in its checkpoints, as JSON: Ray Tune looks into what it understands."""


@dataclass(frozen=True)
class SearchSettings:
    """What all trials of a search share.

    Attributes
    ----------
    data
        Handle of the data in the object store, for `shared_data`.
    staged
        Whether parameters may change at every step (population-based training). Each step then goes
        on from the folds' bytes, whether they changed or not, so that a schedule can be replayed to
        the last bit.
    """

    data: list[Any]
    model: str
    objective: str
    step: int
    cpus: int
    staged: bool
    folder: TuneFolder


class TrialTrainable(tune.Trainable):  # type: ignore[misc]
    """Takes one configuration further on all folds at each step."""

    def setup(self, config: dict[str, Any], place: SearchSettings) -> None:
        """Make the actor ready for its first trial."""
        self._place, self._data = place, shared_data(place.data)
        self._take(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Make the actor ready for another trial, or for the same one with other parameters."""
        self._take(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Go a step further and report; a fit that fails ends the trial, as it would fail again."""
        try:
            return self._step()
        except Exception as error:
            return {
                SCORE: math.nan,
                SIZE: 0,
                "seconds": 0.0,
                "failure": describe_failure(error),
                "done": True,
            }

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Write the trial."""
        assert self._fit is not None
        path = Path(checkpoint_dir) / FILE
        write_checkpoint(path, self._progress(self._fit), self._fit.parts())

    def restore(self, checkpoint_path: Any) -> None:
        """Go on from a checkpoint, of which only our own file is taken: Ray would unpickle another
        beside it.

        Parameters
        ----------
        checkpoint_path
            A checkpoint with the result that it was saved with, as Ray hands it over.
        """
        saved = checkpoint_path.checkpoint
        with TemporaryDirectory() as folder:
            with saved.filesystem.open_input_file(f"{saved.path}/{FILE}") as file:
                (Path(folder) / FILE).write_bytes(file.read())
            own = tune.Checkpoint.from_directory(folder)
            super().restore(type(checkpoint_path)(checkpoint=own, metrics=checkpoint_path.metrics))

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        """Go on from a trial, its own or another's, with the parameters of the present
        configuration."""
        with (Path(checkpoint_dir) / FILE).open("rb") as file:
            self._go_on(*read_begun(file))

    def _take(self, config: Mapping[str, Any]) -> None:
        trial = config["trial"]
        self._params: dict[str, Any] = dict(trial["params"])
        self._earlier: str | None = trial["checkpoint"]
        self._fit: TrialFit | None = None
        self._curve: list[tuple[int, float]] = []
        self._schedule: list[Stage] = []

    def _go_on(self, progress: Progress, begun: Begun) -> None:
        self._curve, self._schedule = list(progress.curve), list(progress.schedule)
        self._fit = self._begin(begun)

    def _begin(self, begun: Begun | None) -> TrialFit:
        place = self._place
        return begin(self._data, place.model, self._params, place.step, place.cpus, begun)

    def _begun(self) -> TrialFit:
        if self._fit is None and self._earlier:
            try:
                with self._place.folder.open(self._earlier) as file:
                    self._go_on(*read_begun(file))
            except (
                StoreError,
                OSError,
            ) as error:  # damaged, or the store says so itself (S3 keeps checksums)
                logger.warning(
                    "%s: cannot be gone on from, so the trial begins anew: %s", self._earlier, error
                )
                self._take({"trial": {"params": self._params, "checkpoint": None}})
        return self._fit or self._begin(None)

    def _step(self) -> dict[str, Any]:
        fit = self._fit = self._begun()
        before = sum(one.record.fit_seconds for one in fit.outcomes)
        fit.advance()
        records = [one.record for one in fit.outcomes]
        scores = [record.judged[0] for record in records]
        score, done = sum(scores) / len(scores), fit.size >= fit.full_size
        self._curve.append((fit.size, score))
        if self._place.staged:
            self._schedule.append(Stage(size=fit.size, params=self._params))
            self._fit = fit if done else self._begin(Begun(records, fit.parts()))
        return {
            SCORE: score,
            SIZE: fit.size,
            "full_size": fit.full_size,
            "seconds": sum(record.fit_seconds for record in records) - before,
            PROGRESS: self._progress(fit).model_dump_json(),
            "done": done,
            **(self._whole(fit) if done else {}),
        }

    def _progress(self, fit: TrialFit) -> Progress:
        return Progress(
            params=self._params,
            folds=[one.record for one in fit.outcomes],
            curve=self._curve,
            schedule=self._schedule,
        )

    def _whole(self, fit: TrialFit) -> dict[str, Any]:
        """What is told of a trial that is complete."""
        points = [one.point for one in fit.outcomes]
        assessed = needs_assessment(self._data.methods)
        return {
            "points": points,
            "assessment": assess_trial(self._data, points) if assessed else None,
        }
