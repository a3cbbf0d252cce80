"""Minimise a multi-class logistic loss with an L1 and an L2 penalty.

The solver is OWL-QN: L-BFGS that stays, step by step, within the orthant of the current signs. Its
initial matrix is the diagonal of the Hessian rather than a multiple of the identity, which matters where
rare causes make the curvature very unequal.

References
----------
Andrew and Gao (2007), Scalable training of L1-regularized log-linear models, ICML.
Nocedal and Wright (2006), Numerical Optimization, 2nd ed., algorithm 7.4 (two-loop recursion).
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Loss = Literal["multinomial", "one_vs_rest"]

MEMORY = 20
"""Curvature pairs kept."""
REFRESH = 100
"""Iterations after which the diagonal of the Hessian is taken anew."""
DAMPING = 1e-3
"""Least diagonal, as a share of the largest: a cause with probability 0 everywhere has no curvature."""
SMALLEST_STEP = 1e-8


@dataclass(frozen=True, eq=False)
class Objective:
    """Mean loss over rows plus ``sum(l1 * |W| + l2 * W² / 2)``.

    Attributes
    ----------
    X
        (n_rows, n_columns); an intercept is a column of ones.
    Y
        (n_rows, n_classes), 1 at the cause of each row.
    l1, l2
        (n_columns, 1) penalties, 0 where a column is not penalised.
    loss
        ``multinomial``: softmax cross-entropy; ``one_vs_rest``: the sum over causes of binary log losses.
    """

    X: Array
    Y: Array
    l1: Array
    l2: Array
    loss: Loss

    def at(self, W: Array) -> "Point":
        """Evaluate value, gradient and probabilities at `W` (n_columns, n_classes)."""
        Z = self.X @ W
        if self.loss == "multinomial":
            Z -= Z.max(axis=1, keepdims=True)
            P = np.exp(Z)
            total = P.sum(axis=1, keepdims=True)
            P /= total
            loss = np.log(total).sum() - np.vdot(Z, self.Y)
        else:
            P = 1 / (1 + np.exp(-np.clip(Z, -500, 500)))
            loss = np.logaddexp(0, Z).sum() - np.vdot(Z, self.Y)
        n = len(Z)
        gradient = self.X.T @ (P - self.Y) / n + self.l2 * W
        value = loss / n + (self.l2 * W**2).sum() / 2 + (self.l1 * np.abs(W)).sum()
        return Point(W, float(value), gradient, P)

    def curvature(self, point: "Point") -> Array:
        """Diagonal of the Hessian of the smooth part, kept away from 0."""
        diagonal: Array = (self.X**2).T @ (point.P * (1 - point.P)) / len(self.X) + self.l2
        return np.asarray(np.maximum(diagonal, 0) + DAMPING * diagonal.max())

    def subgradient(self, point: "Point") -> Array:
        """Subgradient of least norm: 0 exactly at the minimum."""
        shrunk = np.sign(point.gradient) * np.maximum(np.abs(point.gradient) - self.l1, 0)
        return np.where(point.W != 0, point.gradient + self.l1 * np.sign(point.W), shrunk)


@dataclass(frozen=True, eq=False)
class Point:
    """The objective at one `W`: its value, the gradient of its smooth part, the probabilities."""

    W: Array
    value: float
    gradient: Array
    P: Array


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the solver stopped.

    Attributes
    ----------
    optimality_gap
        Largest absolute entry of the subgradient of least norm; 0 at the minimum.
    converged
        Whether that is within the tolerance.
    """

    W: Array
    value: float
    optimality_gap: float
    iterations: int
    converged: bool


def minimise(objective: Objective, start: Array, tol: float, max_iter: int) -> Solution:
    """Minimise from `start` (n_columns, n_classes).

    Parameters
    ----------
    tol
        Stop where the optimality gap is at most this; the loss is a mean over rows.
    max_iter
        Stop after so many steps, converged or not.
    """
    point = objective.at(start)
    pairs: deque[tuple[Array, Array]] = deque(maxlen=MEMORY)
    iteration = 0
    while True:
        slope = objective.subgradient(point)
        gap = float(np.abs(slope).max())
        if gap <= tol or iteration == max_iter:
            break
        if iteration % REFRESH == 0:
            diagonal = objective.curvature(point)
        after = _search(objective, point, slope, _direction(point.W, slope, diagonal, pairs, objective.l1))
        if after is None:
            if not pairs:  # not even the plain scaled gradient leads down: the limit of rounding
                break
            pairs.clear()
            continue
        step, change = after.W - point.W, after.gradient - point.gradient
        if np.vdot(step, change) > 1e-12 * np.vdot(change, change):
            pairs.append((step, change))
        point = after
        iteration += 1
    return Solution(point.W, point.value, gap, iteration, gap <= tol)


def _direction(W: Array, slope: Array, diagonal: Array, pairs: deque[tuple[Array, Array]], l1: Array) -> Array:
    """Quasi-Newton direction; a weight that is 0 may only leave towards its own descent."""
    q = slope.copy()
    shares = []
    for step, change in reversed(pairs):
        share = np.vdot(step, q) / np.vdot(step, change)
        q -= share * change
        shares.append(share)
    q /= diagonal
    if pairs:
        step, change = pairs[-1]
        q *= np.vdot(step, change) / np.vdot(change / diagonal, change)
    for (step, change), share in zip(pairs, reversed(shares), strict=True):
        q += (share - np.vdot(change, q) / np.vdot(step, change)) * step
    return np.where((q * slope <= 0) & (W == 0) & (l1 > 0), 0, -q)


def _search(objective: Objective, point: Point, slope: Array, direction: Array) -> Point | None:
    """Halve the step until the objective falls enough; weights that would change sign stop at 0."""
    sign = np.where(point.W != 0, np.sign(point.W), -np.sign(slope))
    size = 1.0
    while size >= SMALLEST_STEP:
        W = point.W + size * direction
        W = np.where((W * sign < 0) & (objective.l1 > 0), 0, W)
        after = objective.at(W)
        expected = np.vdot(slope, W - point.W)
        if expected < 0 and after.value <= point.value + 1e-4 * expected:
            return after
        size /= 2
    return None
