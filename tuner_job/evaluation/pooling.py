"""Several models' probabilities as one's: the log-opinion pool, its exponents fitted out of fold.

Each model has learned the training CSMF, and says more than that of a death. Only what each says
more is multiplied, so that the training CSMF counts once, however many models there are. An
exponent weighs a model and calibrates it at once, being smaller where the model is too sure: so
exponents are 0 or more and need not sum to 1.

Sources: Genest and Zidek 1986, Statistical Science 1(1) (logarithmic opinion pool); Bordley 1982,
Management Science 28(10) (the common prior counted once).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner_job.evaluation.calibration import FLOOR
from tuner_job.evaluation.folds import FoldIds, count_folds
from tuner_job.types import Causes, Floats, Probabilities

MOST_EXPONENT = 25.0
"""As far as the temperature of a calibration goes (1 / 0.04)."""
_DIGITS = 4
"""Of an exponent: more than matter, and fewer than differ between machines."""
_PSEUDO_DEATHS = 0.5
"""Of each cause: one that training lacks is not impossible."""


@dataclass(frozen=True, eq=False)
class Pool:
    """How models are pooled.

    Attributes
    ----------
    exponents
        (n_models,)
    prior
        (n_classes,) training CSMF, above 0. It does not matter where exponents sum to 1.
    """

    exponents: Floats
    prior: Floats

    @classmethod
    def equal(cls, n_models: int, n_classes: int) -> "Pool":
        """The geometric mean."""
        return cls(np.full(n_models, 1 / n_models), np.full(n_classes, 1 / n_classes))

    @classmethod
    def fit(cls, y: Causes, parts: Sequence[Probabilities]) -> "Pool":
        """Fit on rows that the models were not trained on, but which are composed like those.

        The exponents minimise the log loss, which is convex in them.

        Parameters
        ----------
        y : (n_rows,)
        parts
            Of each model, (n_rows, n_classes).
        """
        from scipy.optimize import minimize  # takes half a second to import
        from scipy.special import log_softmax

        n_models, n_classes = len(parts), parts[0].shape[1]
        prior = prior_of(y, n_classes)
        base, logs, rows = np.log(prior), _evidence(parts, prior), np.arange(len(y))
        of_truth = logs[:, rows, y]

        def loss(exponents: Floats) -> tuple[float, Floats]:
            """Mean log loss and its gradient."""
            told = log_softmax(base + np.tensordot(exponents, logs, 1), axis=1)
            expected = np.einsum("rc,mrc->mr", np.exp(told), logs)
            return -float(told[rows, y].mean()), (expected - of_truth).mean(axis=1)

        start, bounds = np.full(n_models, 1 / n_models), [(0.0, MOST_EXPONENT)] * n_models
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
        exponents = np.round(found.x, _DIGITS)
        return cls(exponents if exponents.any() else start, prior)

    def apply(self, parts: Sequence[Probabilities]) -> Floats:
        """Pool probabilities, (n_rows, n_classes) of each model; rows sum to 1."""
        from scipy.special import softmax  # as above

        evidence = np.tensordot(self.exponents, _evidence(parts, self.prior), 1)
        return np.asarray(softmax(np.log(self.prior) + evidence, axis=1))


def prior_of(y: Causes, n_classes: int) -> Floats:
    """Composition (n_classes,) of training rows, in which no cause is impossible."""
    deaths = np.bincount(y, minlength=n_classes) + _PSEUDO_DEATHS
    return np.asarray(deaths / deaths.sum())


def pool_out_of_fold(y: Causes, parts: Sequence[Probabilities], folds: FoldIds) -> Floats:
    """Pool out-of-fold probabilities, each fold's as the other folds say.

    Parameters
    ----------
    y, folds : (n_rows,)
    parts
        Of each model, (n_rows, n_classes) out of fold.

    Returns
    -------
    (n_rows, n_classes); no row's cause has had a say in it.
    """
    pooled = np.empty(np.shape(parts[0]))
    for out in (folds == fold for fold in range(count_folds(folds))):
        fitted = Pool.fit(y[~out], [P[~out] for P in parts])
        pooled[out] = fitted.apply([P[out] for P in parts])
    return pooled


def _evidence(parts: Sequence[Probabilities], prior: Floats) -> Floats:
    """What each model says beyond the training CSMF, in logarithms: (n_models, n_rows,
    n_classes)."""
    return np.asarray(np.log(np.maximum(np.stack(parts), FLOOR, dtype=np.float64)) - np.log(prior))
