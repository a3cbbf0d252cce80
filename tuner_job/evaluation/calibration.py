"""What held-out predictions tell of a model's probabilities: how sure they are, and what each
cause looks like."""

from dataclasses import dataclass

import numpy as np

from tuner_job.records import CalibrationRecord
from tuner_job.types import Causes, Floats, Probabilities

FLOOR = 1e-6
"""Least probability: what a model calls impossible may still happen."""
_LOG_TEMPERATURE = (-3.0, 3.0)
_ROW_WEIGHT = 0.5
"""Deaths that the overall mean counts for in a cause's row of the matrix: a cause may have none
of its own."""
_ADDED = 0.5


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
    training
        (n_classes,) CSMF of the deaths it was fitted on, half a death added to each cause: about
        how causes are composed in training. No fraction is 0.
    """

    temperature: float
    prior: Floats
    matrix: Floats
    training: Floats

    @classmethod
    def fit(cls, y: Causes, P: Probabilities) -> "Calibration":
        """Fit on held-out rows: causes (n_rows,) and probabilities (n_rows, n_classes).

        The temperature minimises the log loss.

        Source: Guo et al. 2017, On calibration of modern neural networks, ICML (temperature
        scaling).
        """
        from scipy.optimize import minimize_scalar  # takes half a second to import

        logs = _logs(P)
        rows, top = np.arange(len(y)), logs.max(axis=1, keepdims=True)

        def loss(log_temperature: float) -> float:  # of the softmax, taken for the truth alone
            temperature = np.exp(log_temperature)
            E = logs / temperature
            E -= top / temperature
            np.exp(E, out=E)
            return -float(np.log(E[rows, y] / E.sum(axis=1)).mean())

        found = minimize_scalar(
            loss, bounds=_LOG_TEMPERATURE, method="bounded", options={"xatol": 1e-3}
        )
        temperature = float(np.exp(found.x))
        Q = _softmax(logs / temperature)
        overall = Q.mean(axis=0)
        n_classes = P.shape[1]
        deaths = np.bincount(y, minlength=n_classes)
        cells = y[:, None] * n_classes + np.arange(n_classes)
        summed = np.bincount(cells.ravel(), Q.ravel(), n_classes**2).reshape(n_classes, -1)
        matrix = (summed + _ROW_WEIGHT * overall) / (deaths[:, None] + _ROW_WEIGHT)
        training = (deaths + _ADDED) / (len(y) + _ADDED * n_classes)
        return cls(temperature, overall, matrix, training)

    @classmethod
    def of_record(cls, record: CalibrationRecord) -> "Calibration":
        """Rebuild one from its record; of a version that did not keep `training`, it is the
        prior."""
        prior, matrix = (np.asarray(one, dtype=np.float64) for one in (record.prior, record.matrix))
        training = np.asarray(record.training or record.prior, dtype=np.float64)
        return cls(record.temperature, prior, matrix, training)

    def record(self) -> CalibrationRecord:
        """What stands in the store."""
        prior: list[float] = self.prior.tolist()
        matrix: list[list[float]] = self.matrix.tolist()
        training: list[float] = self.training.tolist()
        return CalibrationRecord(
            temperature=self.temperature, prior=prior, matrix=matrix, training=training
        )

    def apply(self, P: Probabilities) -> Floats:
        """Calibrated probabilities, (n_rows, n_classes); rows sum to 1 and none is 0."""
        return _softmax(_logs(P) / self.temperature)


def _logs(P: Probabilities) -> Floats:
    return np.log(np.maximum(P, FLOOR, dtype=np.float64))


def _softmax(Z: Floats) -> Floats:
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return np.asarray(E / E.sum(axis=1, keepdims=True))
