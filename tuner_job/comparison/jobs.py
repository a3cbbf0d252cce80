"""Fits of a comparison that are not finished: untuned ones, and tuned ones after their search."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner_job.comparison.context import Comparison, Tuners
from tuner_job.comparison.plan import TrainingSet
from tuner_job.comparison.result import TunedChoice
from tuner_job.comparison.score import tested_rows
from tuner_job.comparison.store import predictions_name
from tuner_job.config.tuning import ModelName
from tuner_job.errors import Interrupted, MissingModelsError, RunError
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.execution.fit_runner import Fit, FitResult
from tuner_job.models import Families
from tuner_job.models.growing import Stages
from tuner_job.wording import counted

_FEWEST = 2
"""Different deaths: fewer have no folds to be searched on."""


@dataclass(frozen=True)
class Job:
    """A fit of the plan, or a pool of such: a training set, a model, and the protocols that its
    tests are scored in.

    An untuned default serves all protocols, a tuned model the one that it was tuned for.
    """

    training: TrainingSet
    model: ModelName
    protocols: tuple[ScoringProtocol, ...]
    tuned: TunedChoice | None = None

    @property
    def name(self) -> str:
        """Name of its predictions."""
        return predictions_name(
            self.training, self.model, self.protocols[0].composition if self.tuned else None
        )

    def params(self, families: Families) -> dict[str, Any]:
        """What it is fitted with."""
        if self.tuned:
            return dict(self.tuned.params)
        return dict(families[self.model].Parameters.model_validate({}).model_dump())

    @property
    def stages(self) -> Stages:
        """The way that the model grows, if it grew stage by stage in its search."""
        return [(stage.size, stage.params) for stage in self.tuned.schedule] if self.tuned else []


def untuned(running: Comparison) -> Iterator[Job]:
    """Fits of the defaults that are not finished."""
    protocols = running.settings.protocols
    running.fits.stage = "default"
    for training in running.sets:
        for model in running.settings.models:
            if running.is_finished(training, model, protocols, tuned=False):
                running.fits.done[model] += 1
            else:
                yield Job(training, model, protocols)


def tuned(
    running: Comparison,
    protocol: ScoringProtocol,
    tuners: Tuners | None,
    given: Mapping[ModelName, TunedChoice] | None,
) -> Iterator[Job]:
    """Tune for each training set that is not finished, or take what was given."""
    running.fits.stage = "search"
    for training in running.sets:
        wanted = [
            m
            for m in running.settings.models
            if not running.is_finished(training, m, (protocol,), True, (given or {}).get(m))
        ]
        running.fits.done.update(set(running.settings.models) - set(wanted))
        choices = _choose(running, training, wanted, protocol, tuners, given or {})
        for model in wanted:
            choice = choices[model]
            if isinstance(choice, str):
                fit = Fit(None, model, {}, training.rows, tested_rows(training))
                failed = FitResult(fit, None, error=f"tuning failed: {choice}")
                running.score(
                    training, failed, TunedChoice(params={}, method="failed"), (protocol,)
                )
                running.fits.ended(model, failed=True)
            else:
                yield Job(training, model, (protocol,), choice)


def _choose(
    running: Comparison,
    training: TrainingSet,
    models: Sequence[ModelName],
    protocol: ScoringProtocol,
    tuners: Tuners | None,
    given: Mapping[ModelName, TunedChoice],
) -> dict[ModelName, TunedChoice | str]:
    """Tune on the training rows alone, or take what was given; a search that fails says why."""
    if not models:
        return {}
    if tuners is None:
        return {model: given[model] for model in models}
    running.say(
        f"tuning on {training.name} ({counted(len(training.rows), 'death')}) for "
        f"{protocol.composition} composition"
    )
    try:
        tuner, rows = tuners[protocol.composition], running.data.take(training.rows)
        if rows.n_different < _FEWEST:
            why = f"a search needs at least {_FEWEST} different deaths, found {rows.n_different}"
            return dict.fromkeys(models, why)
        rows = rows.informative(np.arange(rows.n_samples))
        chosen = tuner.tune_data(
            rows,
            running.settings.models,
            unseen_site=training.unseen_site,
            should_stop=running.should_stop,
        )
    except Interrupted:
        raise
    except MissingModelsError as error:
        chosen = tuner.read_choices(error.summary)
        return {
            model: chosen[model] if model in chosen else str(error.missing[model])
            for model in models
        }
    except RunError as error:
        return dict.fromkeys(models, str(error))
    return {model: chosen[model] for model in models}
