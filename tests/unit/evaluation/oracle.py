"""What scores a prediction, written down plainly: one population, death by death, as the formulas
stand in their papers. `tuner_job.evaluation` must agree, for all populations at once."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.protocols import Samples
from tuner_job.records import CsmfEstimator


def csmf(causes: Sequence[int], n_classes: int) -> list[float]:
    return [sum(c == cause for c in causes) / len(causes) for cause in range(n_classes)]


def csmf_accuracy_of(true: Sequence[float], found: Sequence[float]) -> float:
    error = sum(abs(t - f) for t, f in zip(true, found, strict=True))
    return 1 - error / (2 * (1 - min(true)))


def csmf_accuracy(y: np.ndarray, P: np.ndarray) -> float:
    """Each death counts for its most probable cause."""
    return scores(y, P)["csmf_accuracy"]


def ccc(y: np.ndarray, assigned: np.ndarray, n_classes: int) -> dict[int, float]:
    """Cause that has deaths → chance-corrected concordance."""
    found = {}
    for cause in set(y.tolist()):
        of_cause = [a for a, truth in zip(assigned, y, strict=True) if truth == cause]
        share = sum(a == cause for a in of_cause) / len(of_cause)
        found[cause] = (share - 1 / n_classes) / (1 - 1 / n_classes)
    return found


def scores(y: np.ndarray, P: np.ndarray, found: Sequence[float] | None = None) -> dict[str, float]:
    """All metrics of deaths of causes `y` that get theirs by `P`; `found` is the estimated CSMF,
    None: that of the causes assigned."""
    n_classes = P.shape[1]
    ranked = np.argsort(-P, axis=1, kind="stable")
    assigned = ranked[:, 0]
    if found is None:
        found = csmf(assigned.tolist(), n_classes)
    accuracy = csmf_accuracy_of(csmf(y.tolist(), n_classes), found)
    near = sum(y[i] in ranked[i, :3] for i in range(len(y))) / len(y)
    return {
        "csmf_accuracy": accuracy,
        "cccsmf_accuracy": (accuracy - (1 - np.exp(-1))) / np.exp(-1),
        "cod_accuracy": sum(assigned == y) / len(y),
        "ccc": float(np.mean(list(ccc(y, assigned, n_classes).values()))),
        "pccc3": 1.0 if n_classes <= 3 else (near - 3 / n_classes) / (1 - 3 / n_classes),
    }


def em(Q: np.ndarray, prior: np.ndarray, estimator: CsmfEstimator) -> np.ndarray:
    """Composition of deaths with calibrated probabilities Q, (n_rows, n_classes), by expectation
    maximisation."""
    n_rows, n_classes = Q.shape
    target = Q.mean(axis=0) if estimator.towards == "mean" else np.full(n_classes, 1 / n_classes)
    pseudo = estimator.shrinkage * n_classes * target
    held = np.maximum(prior, 1e-4)
    now = held / held.sum()
    for _ in range(500):
        weighed = Q / held * now
        expected = (weighed / weighed.sum(axis=1, keepdims=True)).sum(axis=0)
        before, now = now, (expected + pseudo) / (n_rows + pseudo.sum())
        if np.abs(now - before).max() <= 1e-5:
            break
    return now


def log_posterior(theta: np.ndarray, L: np.ndarray, alpha: np.ndarray, power: float) -> float:
    """Of the composition softmax(theta), up to a constant: Dirichlet(alpha) in these coordinates,
    and the likelihood of the deaths to a power."""
    pi = np.exp(theta - theta.max())
    pi /= pi.sum()
    return float(power * np.log(L @ pi).sum() + alpha @ np.log(pi))


def laplace(L: np.ndarray, alpha: np.ndarray, power: float) -> tuple[np.ndarray, float]:
    """Composition at the maximum of `log_posterior`, and the logarithm of its integral, the last
    coordinate fixed, by Laplace's method with differences for derivatives."""

    def value(theta: np.ndarray) -> float:
        return log_posterior(np.append(theta, 0.0), L, alpha, power)

    n = len(alpha) - 1
    start = np.log(alpha[:-1] / alpha[-1])
    found = minimize(lambda theta: -value(theta), start, method="BFGS", options={"gtol": 1e-9})
    step, at = 1e-3 * np.eye(n), found.x
    hessian = np.array(
        [
            [
                value(at + a + b) - value(at + a - b) - value(at - a + b) + value(at - a - b)
                for b in step
            ]
            for a in step
        ]
    ) / (4 * 1e-6)
    spread = np.linalg.slogdet(-hessian)[1]
    pi = np.exp(np.append(at, 0.0))
    return pi / pi.sum(), value(at) + n / 2 * np.log(2 * np.pi) - spread / 2


def bayes(Q: np.ndarray, calibration: Calibration, estimator: CsmfEstimator) -> np.ndarray:
    """Composition of deaths with calibrated probabilities Q, averaged over the hypotheses."""
    L = Q / np.maximum(calibration.prior, 1e-4)
    n_classes, limit = Q.shape[1], estimator.limit or 0
    power = float((1 + len(Q) / limit) ** -0.75)
    around = n_classes * calibration.training
    hypotheses = {
        None: [
            (np.ones(n_classes), 1 / 6),
            (around, 1 / 2),
            (3 * around, 1 / 6),
            (10 * around, 1 / 6),
        ],
        "any": [(np.ones(n_classes), 1 / 2), (2 * np.ones(n_classes), 1 / 2)],
    }[estimator.shift]
    found, likely = [], []
    for alpha, weight in hypotheses:
        pi, evidence = laplace(L, alpha, power)
        found.append(pi)
        likely.append(np.log(weight) + evidence - laplace(L[:0], alpha, power)[1])
    shares = np.exp(np.array(likely) - max(likely))
    return np.asarray(shares @ np.array(found) / shares.sum())


def scores_by(
    estimator: CsmfEstimator,
    y: np.ndarray,
    P: np.ndarray,
    samples: Samples,
    calibration: Calibration,
) -> dict[str, float]:
    """All metrics, each as its mean over populations, by an estimator: all but mixture."""
    told = []
    for counts in samples.counts.astype(int):
        rows = np.repeat(np.arange(len(y)), counts)
        decides, found = P[rows], None
        if estimator.method == "mean":
            found = decides.mean(axis=0)
        elif estimator.method in ("em", "bayes"):
            Q = calibration.apply(P[rows])
            found = (
                em(Q, calibration.prior, estimator)
                if estimator.method == "em"
                else bayes(Q, calibration, estimator)
            )
            decides = Q * found / np.maximum(calibration.prior, 1e-4)
        told.append(scores(y[rows], decides, found))
    return {metric: float(np.mean([one[metric] for one in told])) for metric in told[0]}
