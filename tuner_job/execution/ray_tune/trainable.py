"""The class trainable: what an actor of Ray Tune does for a trial."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ray import tune

from tuner_job.errors import StoreError
from tuner_job.evaluation.assessment import needs_assessment
from tuner_job.execution.fold_task import Scored, assess_trial, describe_failure
from tuner_job.execution.ray_runner import shared_data
from tuner_job.execution.ray_tune.checkpoint import FILE, Progress, read_begun, write_checkpoint
from tuner_job.execution.ray_tune.storage import TuneFolder
from tuner_job.execution.ray_tune.trial_fit import Begun, Probabilities, TrialFit, begin
from tuner_job.records import FoldRecord, Stage
from tuner_job.search.samplers.free import Sizes
from tuner_job.search.trial import FoldOutcome, judged
from tuner_job.search_space import Configuration

logger = logging.getLogger(__name__)

SCORE = "score"
"""What Ray Tune maximises: the mean validation score of the folds so far."""
SIZE = "size"
"""What Ray Tune takes for time: rounds, trees or folds so far."""


@dataclass(frozen=True)
class Place:
    """What all trials of a search share.

    Attributes
    ----------
    data
        Handle of the data in the object store, for `shared_data`.
    staged
        Whether parameters may change at every step (population-based training). Each step then goes
        on from the folds' bytes, whether they changed or not, so that a schedule can be replayed to
        the last bit.
    sizes
        What a trial goes through while it grows: it ends as the best of them. None: it ends as the
        one asked.
    """

    data: list[Any]
    model: str
    objective: str
    step: int
    cpus: int
    staged: bool
    folder: TuneFolder
    sizes: Sizes | None = None


@dataclass(frozen=True)
class Look:
    """A trial as it was at one size."""

    params: Configuration
    score: float
    records: Sequence[FoldRecord]
    scored: Sequence[Scored]
    probabilities: Sequence[Probabilities]


class TrialTrainable(tune.Trainable):  # type: ignore[misc]
    """Takes one configuration further on all folds at each step."""

    def setup(self, config: dict[str, Any], place: Place) -> None:
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
        progress = Progress(
            params=self._params,
            folds=self._records(self._fit),
            curve=self._curve,
            schedule=self._schedule,
        )
        write_checkpoint(Path(checkpoint_dir) / FILE, progress, self._fit.parts())

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
        self._best: Look | None = None
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
        before = sum(one.record.fit_seconds for one in fit.scored)
        sizes = self._place.sizes
        fit.advance(sizes.listed_after(fit.size) if sizes else None)
        records = self._records(fit)
        scores = [record.judged[0] for record in records]
        score, done = sum(scores) / len(scores), fit.size >= fit.full_size
        self._curve.append((fit.size, score))
        best = self._look(fit, records, score)
        if self._place.staged:
            self._schedule.append(Stage(size=fit.size, params=self._params))
            self._fit = fit if done else self._begin(Begun(records, fit.parts()))
        return {
            SCORE: score,
            SIZE: fit.size,
            "full_size": fit.full_size,
            "seconds": sum(record.fit_seconds for record in records) - before,
            "folds": [record.model_dump() for record in records],
            "curve": list(self._curve),
            "schedule": [stage.model_dump() for stage in self._schedule],
            "done": done,
            **(self._whole(best, records) if done else {}),
        }

    def _records(self, fit: TrialFit) -> list[FoldRecord]:
        """The folds' records, with what the scheduler judges them by: the objective by the most
        telling estimator."""
        assessed = needs_assessment(self._data.methods)
        objectives = [self._place.objective]
        return [
            one.record
            if one.record.judged
            else one.record.model_copy(
                update={
                    "judged": judged(
                        FoldOutcome(one.record, None, one.screened), objectives, assessed
                    )
                }
            )
            for one in fit.scored
        ]

    def _look(self, fit: TrialFit, records: Sequence[FoldRecord], score: float) -> Look:
        """The trial as it would end now: as it is, or as the best, and of equals the smallest,
        that it went through."""
        sizes = self._place.sizes
        present = Look(self._params, score, records, fit.scored, fit.probabilities)
        passed = sizes.configuration(self._params, fit.size) if sizes else None
        if passed and (self._best is None or score > self._best.score):
            self._best = replace(present, params=passed)
        return self._best or present

    def _whole(self, best: Look, records: Sequence[FoldRecord]) -> dict[str, Any]:
        """What is told of a trial that is complete; its fits took as long as they did, whichever
        size is best."""
        assessed = needs_assessment(self._data.methods)
        folds = [
            told.model_copy(update={"fit_seconds": last.fit_seconds})
            for told, last in zip(best.records, records, strict=True)
        ]
        return {
            "params": best.params,
            "folds": [record.model_dump() for record in folds],
            "probabilities": best.probabilities,
            "train": [one.train for one in best.scored],
            "assessment": assess_trial(self._data, best.probabilities) if assessed else None,
        }
