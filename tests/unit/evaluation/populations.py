"""Made-up models: probabilities that are exactly what a sample of deaths deserves."""

import numpy as np


def draw(
    n_rows: int,
    n_classes: int,
    seed: int,
    trained: np.ndarray | None = None,
    sharpness: float = 2.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Causes (n_rows,) and probabilities (n_rows, n_classes), calibrated where causes are composed
    as `trained`.

    Evidence for the causes is normal, that for the true one shifted by `sharpness`. Causes are
    drawn from `trained`; None: all alike.
    """
    rng = np.random.default_rng(seed)
    prior = np.full(n_classes, 1 / n_classes) if trained is None else trained
    y = rng.choice(n_classes, n_rows, p=prior)
    return y, posterior(y, prior, rng, sharpness)


def posterior(
    y: np.ndarray, prior: np.ndarray, rng: np.random.Generator, sharpness: float = 2.0
) -> np.ndarray:
    """What a perfect model that was trained at `prior` says of deaths of causes `y`."""
    evidence = rng.normal(size=(len(y), len(prior)))
    evidence[np.arange(len(y)), y] += sharpness
    known = np.log(prior, where=prior > 0, out=np.full(len(prior), -np.inf))
    weight = known + sharpness * evidence
    P = np.exp(weight - weight.max(axis=1, keepdims=True))
    return np.asarray(P / P.sum(axis=1, keepdims=True))
