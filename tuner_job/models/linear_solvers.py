"""Solving penalised logistic regression along a path of C, each point starting from the one before.

With W (n_causes, n_features), intercept b and l1 share r, scikit-learn's objectives are::

    saga       C Σ_i log-loss(y_i, softmax(x_i Wᵀ + b)) + r ‖W‖₁ + (1 − r)/2 ‖W‖²
    liblinear  C Σ_i Σ_j log(1 + exp(∓(x_i W_jᵀ + b_j))) + r ‖(W, b)‖₁ + (1 − r)/2 ‖(W, b)‖²

the second being one model a cause against all others, its intercept penalised too. Both are convex:
whoever gets to the minimum gets the same probabilities. One algorithm serves both, for all causes at once.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Matrix = NDArray[np.float64]

TOLERANCE = 3e-4
"""Optimality gap at which a fit counts as converged."""
MAX_ITERATIONS = 500


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
        ``algorithm``, ``iterations``, ``converged`` and ``optimality_gap``: the largest entry of the
        smallest subgradient, as a share of the largest that the data exert.
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
        Which objective: ``saga`` or ``liblinear``.
    """
    if y.max() == 0:
        only = LinearFit(np.zeros((1, X.shape[1])), np.zeros(1), False, {"algorithm": "one cause", "converged": True})
        yield from ((C, only) for C in path)
        return
    problem = _OneVsRest(X, y, l1_share) if solver == "liblinear" else _Multinomial(X, y, l1_share)
    W = problem.start()
    for C in path:
        W, iterations, gap = _accelerated_proximal_gradient(problem, W, C)
        diagnostics = {
            "algorithm": "accelerated proximal gradient",
            "iterations": iterations,
            "converged": gap <= TOLERANCE,
            "optimality_gap": float(f"{gap:.2g}"),
        }
        yield C, LinearFit(W[:, :-1].copy(), W[:, -1].copy(), problem.one_vs_rest, diagnostics)


class _Problem(ABC):
    """Loss, gradient and penalty of one objective; the last column of W is the intercept."""

    one_vs_rest: bool
    penalised: slice
    """Columns of W that the penalty acts on."""

    def __init__(self, X: Matrix, y: NDArray[np.int32], l1_share: float):
        self.X = np.hstack([X, np.ones((len(X), 1))])
        self.y, self.l1_share = y, l1_share
        self.rows = np.arange(len(y))
        self.n_causes = int(y.max()) + 1
        at_zero = self.residual(np.zeros((len(y), self.n_causes)))
        self.pull = float(np.abs(at_zero.T @ X).max())

    @abstractmethod
    def start(self) -> Matrix:
        """W of the model that knows only how frequent causes are."""

    @abstractmethod
    def residual(self, scores: Matrix) -> Matrix:
        """Derivative of the loss by the scores, (n_rows, n_causes)."""

    @abstractmethod
    def loss(self, scores: Matrix) -> float:
        """Sum of the rows' losses."""

    def gradient(self, W: Matrix, scores: Matrix, C: float) -> Matrix:
        """Gradient of the smooth part: loss and squared penalty."""
        G: Matrix = C * (self.residual(scores).T @ self.X)
        G[:, self.penalised] += (1 - self.l1_share) * W[:, self.penalised]
        return G

    def smooth(self, W: Matrix, scores: Matrix, C: float) -> float:
        """Value of the smooth part."""
        return C * self.loss(scores) + (1 - self.l1_share) / 2 * float((W[:, self.penalised] ** 2).sum())

    def prox(self, W: Matrix, step: float) -> Matrix:
        """Shrink what is penalised towards zero by `step` times the l1 weight."""
        out = W.copy()
        part = out[:, self.penalised]
        out[:, self.penalised] = np.sign(part) * np.maximum(np.abs(part) - step * self.l1_share, 0)
        return out

    def gap(self, W: Matrix, C: float) -> float:
        """Largest entry of the smallest subgradient, relative to the data's largest pull at W = 0."""
        G = self.gradient(W, self.X @ W.T, C)
        part, own = W[:, self.penalised], G[:, self.penalised]
        at_zero = np.maximum(np.abs(own) - self.l1_share, 0)
        G[:, self.penalised] = np.where(part == 0, at_zero, own + self.l1_share * np.sign(part))
        return float(np.abs(G).max() / (C * self.pull))


class _Multinomial(_Problem):
    one_vs_rest = False
    penalised = slice(0, -1)

    def start(self) -> Matrix:
        W = np.zeros((self.n_causes, self.X.shape[1]))
        W[:, -1] = np.log(np.bincount(self.y) / len(self.y))
        return W

    def residual(self, scores: Matrix) -> Matrix:
        P = softmax(scores)
        P[self.rows, self.y] -= 1
        return P

    def loss(self, scores: Matrix) -> float:
        top = scores.max(axis=1)
        log_sum = np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top
        return float((log_sum - scores[self.rows, self.y]).sum())


class _OneVsRest(_Problem):
    one_vs_rest = True
    penalised = slice(0, None)

    def start(self) -> Matrix:
        return np.zeros((self.n_causes, self.X.shape[1]))

    def residual(self, scores: Matrix) -> Matrix:
        P = expit(scores)
        P[self.rows, self.y] -= 1
        return np.asarray(P)

    def loss(self, scores: Matrix) -> float:
        return float(np.logaddexp(0, scores).sum() - scores[self.rows, self.y].sum())


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
        inverse_step *= 0.9
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
