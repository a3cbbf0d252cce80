"""Predictions that need no model: what a model must beat to be worth anything."""

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.folds import FoldIds
from tuner_job.evaluation.metrics import csmf, csmf_accuracy_of
from tuner_job.evaluation.protocols import ScoringProtocol


def baseline_scores(
    y: NDArray[np.integer], folds: FoldIds, n_classes: int, protocol: ScoringProtocol
) -> dict[str, dict[str, float]]:
    """Mean over folds of CSMF and COD accuracy for the trivial predictions, in the protocol's
    populations.

    Returns
    -------
    ``copy_train`` (the training rows' CSMF, no death assigned), ``uniform`` (equal fractions, no
    death
    assigned) and ``majority`` (each death gets the commonest training cause).
    """
    rows: dict[str, list[dict[str, float]]] = {"copy_train": [], "uniform": [], "majority": []}
    n_folds = int(folds.max()) + 1
    for fold in range(n_folds):
        trained = csmf(y[folds != fold], n_classes)
        true = protocol.samples(y[folds == fold], n_classes, fold, n_folds).true
        commonest = int(trained.argmax())
        fractions = {
            "copy_train": trained,
            "uniform": np.full(n_classes, 1 / n_classes),
            "majority": np.eye(n_classes)[commonest],
        }
        for name, predicted in fractions.items():
            rows[name].append({"csmf_accuracy": float(csmf_accuracy_of(true, predicted).mean())})
        rows["majority"][-1]["cod_accuracy"] = float(true[:, commonest].mean())
    return {
        name: {metric: float(np.mean([s[metric] for s in scores])) for metric in scores[0]}
        for name, scores in rows.items()
    }
