"""What held-out predictions tell of a model's probabilities: how sure they are, and what each
cause looks like."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from tuner_job.evaluation.metrics import Causes, Probabilities

Floats = NDArray[np.float64]

FLOOR = 1e-6
"""Least probability: what a model calls impossible may still happen."""
_LOG_TEMPERATURE = (-3.0, 3.0)
_ROW_WEIGHT = 0.5
"""Deaths that the overall mean counts for in a cause's row of the matrix: a cause may have none
of its own."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Fitted on predictions for deaths that the model was not trained on.

    Attributes
    ----------
    temperature
        Above 0; probabilities are sharpened below 1 and flattened above it.
    prior
        (n_classes,) effective training CSMF: the mean calibrated probabilities where causes are
        composed as in training.
    matrix
        (n_classes, n_classes) mean calibrated probabilities (column) of deaths of each cause (row).
    """

    temperature: float
    prior: Floats
    matrix: Floats

    @classmethod
    def fit(cls, y: Causes, P: Probabilities) -> "Calibration":
        """Fit on held-out rows: causes (n_rows,) and probabilities (n_rows, n_classes).

        The temperature minimises the log loss.

        Source: Guo et al. 2017, On calibration of modern neural networks, ICML (temperature
        scaling).
        """
        logs = _logs(P)
        rows = np.arange(len(y))

        def loss(log_temperature: float) -> float:
            return -float(np.log(_softmax(logs / np.exp(log_temperature))[rows, y]).mean())

        found = minimize_scalar(
            loss, bounds=_LOG_TEMPERATURE, method="bounded", options={"xatol": 1e-3}
        )
        temperature = float(np.exp(found.x))
        Q = _softmax(logs / temperature)
        overall = Q.mean(axis=0)
        n_classes = P.shape[1]
        deaths = np.bincount(y, minlength=n_classes)[:, None]
        summed = np.zeros((n_classes, n_classes))
        np.add.at(summed, y, Q)
        return cls(temperature, overall, (summed + _ROW_WEIGHT * overall) / (deaths + _ROW_WEIGHT))

    @classmethod
    def of_lists(
        cls, temperature: float, prior: Sequence[float], matrix: Sequence[Sequence[float]]
    ) -> "Calibration":
        """Rebuild one from plain lists, as a record holds them."""
        return cls(
            temperature, np.asarray(prior, dtype=np.float64), np.asarray(matrix, dtype=np.float64)
        )

    def apply(self, P: Probabilities) -> Floats:
        """Calibrated probabilities, (n_rows, n_classes); rows sum to 1 and none is 0."""
        return _softmax(_logs(P) / self.temperature)


def _logs(P: Probabilities) -> Floats:
    return np.log(np.maximum(P, FLOOR, dtype=np.float64))


def _softmax(Z: Floats) -> Floats:
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return np.asarray(E / E.sum(axis=1, keepdims=True))
