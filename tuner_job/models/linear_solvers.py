"""Solving penalised logistic regression along a path of C, each point starting from the one before.

With W (n_causes, n_features), intercept b and l1 share r the multinomial objective is scikit-learn's::

    C Σ_i log-loss(y_i, softmax(x_i Wᵀ + b)) + r ‖W‖₁ + (1 − r)/2 ‖W‖²

It is convex: whoever gets to its minimum gets the same probabilities.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

TOLERANCE = 1e-4
"""Optimality gap at which a fit counts as converged; see `_gap`."""
MAX_ITERATIONS = 1000


@dataclass(frozen=True)
class LinearFit:
    """Coefficients.

    Attributes
    ----------
    coef, intercept
        (n_causes, n_features), (n_causes,).
    one_vs_rest
        Whether each cause is a model of its own, its probabilities to be divided by their sum.
    diagnostics
        ``algorithm``, ``iterations``, ``converged`` and, for the multinomial objective, ``optimality_gap``:
        the largest entry of the smallest subgradient, as a share of the largest that the data can exert.
    """

    coef: Matrix
    intercept: Matrix
    one_vs_rest: bool
    diagnostics: Mapping[str, Any]


def softmax(scores: Matrix) -> Matrix:
    """Probabilities from scores, (n_rows, n_causes)."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def fit_linear_path(
    X: Matrix, y: NDArray[np.int32], path: Sequence[float], solver: str, l1_share: float
) -> Iterator[tuple[float, LinearFit]]:
    """Fit each C of an ascending path.

    Parameters
    ----------
    X : (n_rows, n_features), standardised
    y : (n_rows,), every cause in ``0 … n_causes - 1`` present
    solver
        ``saga``: the multinomial objective; ``liblinear``: one against all others.
    """
    if y.max() == 0:
        only = LinearFit(
            np.zeros((1, X.shape[1])), np.zeros(1), False, {"algorithm": "one cause", "converged": True}
        )
        yield from ((C, only) for C in path)
    elif solver == "liblinear":
        yield from ((C, _one_vs_rest(X, y, C, l1_share)) for C in path)
    else:
        yield from _multinomial_path(X, y, path, l1_share)


def _one_vs_rest(X: Matrix, y: NDArray[np.int32], C: float, l1_share: float) -> LinearFit:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=C, l1_ratio=l1_share, solver="liblinear", random_state=0, max_iter=200)
    coefs, intercepts, iterations = [], [], 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # said in the diagnostics
        for cause in range(int(y.max()) + 1):
            model.fit(X, y == cause)
            coefs.append(model.coef_[0])
            intercepts.append(model.intercept_[0])
            iterations = max(iterations, int(model.n_iter_.max()))
    diagnostics = {"algorithm": "liblinear", "iterations": iterations, "converged": iterations < 200}
    return LinearFit(np.array(coefs), np.array(intercepts), True, diagnostics)


class _Problem:
    """Loss, gradient and penalty of the multinomial objective; the last column of W is the intercept."""

    def __init__(self, X: Matrix, y: NDArray[np.int32], l1_share: float):
        self.X = np.hstack([X, np.ones((len(X), 1))])
        self.y, self.l1_share = y, l1_share
        self.rows = np.arange(len(y))
        self.n_causes = int(y.max()) + 1
        self.pull = float(np.abs(self._residual(np.zeros((len(y), self.n_causes))).T @ self.X)[:, :-1].max())

    def _residual(self, scores: Matrix) -> Matrix:
        P = softmax(scores)
        P[self.rows, self.y] -= 1
        return P

    def loss(self, scores: Matrix) -> float:
        """Sum of the rows' log-losses."""
        top = scores.max(axis=1)
        return float(
            (np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top - scores[self.rows, self.y]).sum()
        )

    def gradient(self, W: Matrix, scores: Matrix, C: float) -> Matrix:
        """Gradient of the smooth part: loss and squared penalty."""
        G = C * (self._residual(scores).T @ self.X)
        G[:, :-1] += (1 - self.l1_share) * W[:, :-1]
        return np.asarray(G)

    def smooth(self, W: Matrix, scores: Matrix, C: float) -> float:
        """Value of the smooth part."""
        return C * self.loss(scores) + (1 - self.l1_share) / 2 * float((W[:, :-1] ** 2).sum())

    def prox(self, W: Matrix, step: float) -> Matrix:
        """Shrink coefficients towards zero by `step` times the l1 weight; intercepts stay."""
        out = W.copy()
        coef = out[:, :-1]
        out[:, :-1] = np.sign(coef) * np.maximum(np.abs(coef) - step * self.l1_share, 0)
        return out

    def gap(self, W: Matrix, C: float) -> float:
        """Largest entry of the smallest subgradient, relative to the data's largest pull at W = 0."""
        G = self.gradient(W, self.X @ W.T, C)
        coef, at_zero = W[:, :-1], np.maximum(np.abs(G[:, :-1]) - self.l1_share, 0)
        G[:, :-1] = np.where(coef == 0, at_zero, G[:, :-1] + self.l1_share * np.sign(coef))
        return float(np.abs(G).max() / (C * self.pull))


def _multinomial_path(
    X: Matrix, y: NDArray[np.int32], path: Sequence[float], l1_share: float
) -> Iterator[tuple[float, LinearFit]]:
    problem = _Problem(X, y, l1_share)
    W = np.zeros((problem.n_causes, X.shape[1] + 1))
    W[:, -1] = np.log(np.bincount(y) / len(y))
    for C in path:
        W, iterations, gap = _accelerated_proximal_gradient(problem, W, C)
        diagnostics = _diagnostics("accelerated proximal gradient", iterations, gap)
        yield C, LinearFit(W[:, :-1].copy(), W[:, -1].copy(), False, diagnostics)


def _accelerated_proximal_gradient(problem: _Problem, W: Matrix, C: float) -> tuple[Matrix, int, float]:
    """FISTA (Beck & Teboulle 2009) with backtracking and restarts (O'Donoghue & Candès 2015)."""
    X = problem.X
    V, momentum = W, 1.0
    inverse_step = C * len(X) / 8  # a first guess: backtracking corrects it
    gap, iteration = problem.gap(W, C), 0
    while gap > TOLERANCE and iteration < MAX_ITERATIONS:
        iteration += 1
        scores = X @ V.T
        value, G = problem.smooth(V, scores, C), problem.gradient(V, scores, C)
        inverse_step *= 0.8
        while True:
            new = problem.prox(V - G / inverse_step, 1 / inverse_step)
            D = new - V
            bound = value + float((G * D).sum()) + inverse_step / 2 * float((D * D).sum())
            if problem.smooth(new, X @ new.T, C) <= bound + 1e-10 * abs(bound):
                break
            inverse_step *= 2
        if float(((V - new) * (new - W)).sum()) > 0:
            momentum = 1.0
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        V = new + (momentum - 1) / grown * (new - W)
        W, momentum = new, grown
        if iteration % 10 == 0:
            gap = problem.gap(W, C)
    return W, iteration, gap


def _diagnostics(algorithm: str, iterations: int, gap: float) -> dict[str, Any]:
    return {
        "algorithm": algorithm,
        "iterations": iterations,
        "converged": gap <= TOLERANCE,
        "optimality_gap": float(f"{gap:.2g}"),
    }
