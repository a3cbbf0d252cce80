"""What scoring under drawn compositions costs, without any fit: ``python -m
benchmarks.scoring``."""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.validation import ValidationConfig
from tuner_job.evaluation.assessment import assess
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import estimate
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.folds import stratified
from tuner_job.evaluation.protocols import ScoringProtocol, draw_samples
from tuner_job.evaluation.screening import screen, screened
from tuner_job.records import ESTIMATORS, CsmfEstimator
from tuner_job.threads import one_thread

REPEATS = 5
BY_DEFAULT = ValidationConfig()


def main() -> None:
    """Print both tables."""
    print(estimator_table(n_rows=7500, n_causes=34, n_draws=500))
    print()
    print(trial_table())


def made_up(n_rows: int, n_causes: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Causes and probabilities that find about half of them."""
    rng = np.random.default_rng(0)
    y = rng.choice(n_causes, n_rows, p=rng.dirichlet(np.full(n_causes, 2.0))).astype(np.int32)
    Z = rng.normal(size=(n_rows, n_causes)) + 2 * np.eye(n_causes)[y]
    P = np.exp(Z)
    return y, P / P.sum(axis=1, keepdims=True)


def seconds(run: Callable[[], object]) -> float:
    """Median over some runs."""
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return float(np.median(taken))


def estimator_table(n_rows: int, n_causes: int, n_draws: int) -> str:
    """Seconds for many populations of an adult set at once, one process with all cores."""
    y, P = made_up(n_rows, n_causes)
    protocol = ScoringProtocol("dirichlet", n_draws)
    samples = draw_samples(protocol, y, n_causes, np.random.default_rng(0))
    calibration = Calibration.fit(y, P)
    rows = [
        [
            "drawing the populations",
            seconds(lambda: draw_samples(protocol, y, n_causes, np.random.default_rng(0))),
        ]
    ]
    for method in ESTIMATORS:
        one = [
            CsmfEstimator(
                method=method,
                shrinkage=float(method in ("em", "mixture")),
                limit=300 if method == "bayes" else None,
            )
        ]
        rows.append(
            [f"`{method}`", seconds(lambda one=one: estimate(one, P, samples.counts, calibration))]
        )  # type: ignore[misc]
    head = f"| {n_draws} populations × {n_rows:,} deaths × {n_causes} causes | seconds |\n|---|---|"
    return "\n".join([head, *(f"| {name} | {value:.3f} |" for name, value in rows)])


def trial_table() -> str:
    """Seconds that scoring adds to a configuration in a search, on one thread as in a worker.

    Training rows, as many as are held out, are scored too: in each fold by the plainest estimator,
    in the end by the chosen one.
    """
    lines = [
        "| size | each fold, before the others are there | each configuration, all estimators |",
        "|---|---|---|",
    ]
    for name, n_rows, n_causes in (("PHMRC child", 2064, 21), ("PHMRC adult", 7841, 34)):
        y, P = made_up(n_rows, n_causes)
        folds = stratified(y, 5, 0)
        protocol = ScoringProtocol(
            "dirichlet", BY_DEFAULT.n_draws, shifts=BY_DEFAULT.shifts, sizes=BY_DEFAULT.sizes
        )
        parts = [(y[folds == fold], P[folds == fold]) for fold in range(5)]
        probes = [(Deaths(y), P) for y, P in parts[1:] + parts[:1]]
        with one_thread():
            fold = seconds(partial(screen_both, *parts[0], *parts[1], protocol))
            methods = BY_DEFAULT.csmf_estimators
            whole = seconds(partial(assess, Deaths(y), P, folds, protocol, methods, probes))
        lines.append(f"| {name}: {n_rows:,} × {n_causes} | {fold:.3f} s | {whole:.2f} s |")
    return "\n".join(lines)


def screen_both(
    y: NDArray[np.int32],
    P: NDArray[np.float64],
    y_probe: NDArray[np.int32],
    P_probe: NDArray[np.float64],
    protocol: ScoringProtocol,
) -> None:
    """Score held-out and training rows of one fold, as a worker does after a fit."""
    estimators = screened(BY_DEFAULT.csmf_estimators)
    screen(Deaths(y), P, protocol.samples(y, P.shape[1], 0, 5), estimators)
    screen(Deaths(y_probe), P_probe, protocol.samples(y_probe, P.shape[1], 0, 5), estimators[-1:])


if __name__ == "__main__":
    main()
