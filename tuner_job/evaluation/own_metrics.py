"""Metrics of the user's own: functions that an experiment file names."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tuner_job.errors import ConfigError
from tuner_job.failure import describe_failure
from tuner_job.own_code.importing import load
from tuner_job.types import Causes, Floats, Probabilities
from tuner_job.wording import shown

OwnMetric = Callable[[Probabilities, Causes, Causes], float]
"""From P (n_deaths, n_classes), y (n_deaths,) and site (n_deaths,) of a population to a finite
number, higher is better. y and site are numbers: places in the sorted lists of causes and sites."""


class OwnMetricError(ValueError):
    """A metric of the user's own failed, or gave something else than a finite number."""


@dataclass(frozen=True)
class OwnMetrics:
    """The metrics of the user's own that an experiment maximises.

    Attributes
    ----------
    references
        As the experiment file names them: ``module:function``.
    sources
        Own module → its text.
    """

    references: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.references)

    def score(
        self, y: Causes, site: Causes, counts: Floats, by_population: Iterable[Probabilities]
    ) -> dict[str, Floats]:
        """Each metric, (n_populations,), of populations made of the same rows.

        Parameters
        ----------
        y, site : (n_rows,)
        counts : (n_populations, n_rows)
            How often each row is in each population.
        by_population
            For each population its rows' probabilities, (n_rows, n_classes).

        Raises
        ------
        OwnMetricError
        """
        metrics = {name: load(name, self.sources) for name in self.references}
        values: dict[str, list[float]] = {name: [] for name in self.references}
        for count, P in zip(counts, by_population, strict=True):
            rows = np.repeat(np.arange(len(y)), count.astype(np.intp))
            for name, metric in metrics.items():
                values[name].append(_value(name, metric, (P[rows], y[rows], site[rows])))
        return {name: np.array(found) for name, found in values.items()}

    def check(self, y: Causes, site: Causes, n_classes: int) -> None:
        """Try each metric on some deaths, before anything is fitted.

        Raises
        ------
        ConfigError
            It cannot be imported, fails, or gives something else than a finite number.
        """
        P = np.full((len(y), n_classes), 1 / n_classes)
        for name in self.references:
            one = OwnMetrics((name,), self.sources)
            try:
                one.score(y, site, np.ones((1, len(y))), [P])
            except (ConfigError, OwnMetricError) as error:
                raise ConfigError(f"tuning.scoring_metric: {error}") from None


def _value(name: str, metric: OwnMetric, given: tuple[Probabilities, Causes, Causes]) -> float:
    try:
        found = metric(*given)
    except Exception as error:  # whatever somebody's function raises
        raise OwnMetricError(f"{name} failed: {describe_failure(error)}") from error
    try:
        value = float(found)
    except (TypeError, ValueError):
        raise OwnMetricError(f"{name} must return a number, got {shown(found)}") from None
    if not np.isfinite(value):
        raise OwnMetricError(f"{name} must return a finite number, got {value}")
    return value
