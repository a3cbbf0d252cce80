"""How far a population may be composed otherwise than the training deaths."""

from collections.abc import Sequence

import numpy as np

from tuner_job.records import Shift
from tuner_job.types import Floats

_DRAWN: dict[Shift, tuple[float, bool]] = {
    "near": (10.0, True),
    "moderate": (1.0, True),
    "any": (1.0, False),
}
"""Shift → pseudo-deaths a cause, on average, and whether they are composed as in training or
evenly."""
_EXPECTED: dict[Shift | None, list[tuple[float, bool, float]]] = {
    None: [(1.0, False, 1 / 6), (1.0, True, 1 / 2), (3.0, True, 1 / 6), (10.0, True, 1 / 6)],
    "near": [(10.0, True, 1.0)],
    "moderate": [(1.0, True, 1.0)],
    "any": [(1.0, False, 1 / 2), (2.0, False, 1 / 2)],
}
"""What an estimator reckons with, by what is said of the shift: hypotheses as in `_DRAWN`, each
with how likely it is beforehand. Of a population of which nothing is said, a moderate shift is
expected first of all."""


def concentration(shift: Shift, training: Floats) -> Floats:
    """Parameters of the Dirichlet distribution, (n_classes,), from which compositions come.

    Parameters
    ----------
    shift
        near: ten times as many pseudo-deaths as there are causes, composed as in training;
        moderate: as many as there are causes; any: one of each cause, whatever training had.
    training : (n_classes,)
        Training CSMF.
    """
    return _parameters(*_DRAWN[shift], training)


def expected(shift: Shift | None, training: Floats) -> tuple[Floats, Floats]:
    """What an estimator reckons with: Dirichlet parameters (n_hypotheses, n_classes) and how
    likely each hypothesis is beforehand, (n_hypotheses,).

    Parameters
    ----------
    shift
        None: it is not known.
    training : (n_classes,)
        Training CSMF, no fraction 0.
    """
    hypotheses = _EXPECTED[shift]
    alphas = np.stack([_parameters(times, around, training) for times, around, _ in hypotheses])
    return alphas, np.array([weight for *_, weight in hypotheses])


def _parameters(times: float, around_training: bool, training: Floats) -> Floats:
    n_classes = len(training)
    return np.asarray(times * (n_classes * training if around_training else np.ones(n_classes)))


def draw_shifted(
    natural: Floats, shifts: Sequence[Shift], n_draws: int, rng: np.random.Generator
) -> Floats:
    """Draw compositions, (n_draws, n_classes), over the causes that `natural` (n_classes,) has;
    the strengths of shift take turns."""
    present = natural > 0
    drawn = np.zeros((n_draws, len(natural)))
    for number, shift in enumerate(shifts):
        mine = np.arange(number, n_draws, len(shifts))
        alpha = concentration(shift, natural[present])
        drawn[np.ix_(mine, present)] = rng.dirichlet(alpha, len(mine))
    return drawn
