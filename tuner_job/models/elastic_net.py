"""Minimise a multi-class logistic loss with an L1 and an L2 penalty.

The solver is OWL-QN: L-BFGS that stays, step by step, within the orthant of the current signs. Its
initial matrix is the diagonal of the Hessian rather than a multiple of the identity, which matters
where rare causes make the curvature very unequal.

Nearly all of the time goes into products with the design matrix, so the walk down takes them in
single precision. Where it ends, the gradient is taken in double precision, and from there on
everything is, should the minimum not be within the tolerance yet: what is returned never rests on a
rounded gradient.

References
----------
Andrew and Gao (2007), Scalable training of L1-regularized log-linear models, ICML.
Nocedal and Wright (2006), Numerical Optimization, 2nd ed., algorithm 7.4 (two-loop recursion).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.float32]
Loss = Literal["multinomial", "one_vs_rest"]

MEMORY = 20
"""Curvature pairs kept."""
REFRESH = 100
"""Iterations after which the diagonal of the Hessian is taken anew."""
DAMPING = 1e-3
"""Least diagonal, as a share of the largest: a cause with probability 0 everywhere has no
curvature."""
SMALLEST_STEP = 1e-8
QUICK_TOLERANCE = 2e-7
"""Least gap that is looked for in single precision, whose gradients are off by about a tenth of
it."""
QUICK_ROUNDING = 1e-7
"""Share of a value by which single precision may miss it: a step need not lower it by what
cannot be seen."""
QUICK_SHARE = 0.9
"""Of the tolerance that is asked for, so that the exact gradient seldom is above it."""
BLOCK = 4096
"""Rows that are made double precision at once."""


@dataclass(frozen=True, eq=False)
class Objective:
    """Mean loss over rows plus ``sum(l1 * |W| + l2 * W² / 2)``.

    Attributes
    ----------
    X
        (n_rows, n_columns), single precision; an intercept is a column of ones.
    Y
        (n_rows, n_classes), 1 at the cause of each row.
    l1, l2
        (n_columns, 1) penalties, 0 where a column is not penalised.
    loss
        ``multinomial``: softmax cross-entropy; ``one_vs_rest``: the sum over causes of binary log
        losses.
    """

    X: Rows
    Y: Array
    l1: Array
    l2: Array
    loss: Loss

    def at(self, W: Array, exact: bool = True) -> "Point":
        """Evaluate value, gradient and probabilities at `W` (n_columns, n_classes).

        Products with `X` are in single precision unless `exact`.
        """
        Z = self._margins(W) if exact else (self.X @ W.astype(np.float32)).astype(np.float64)
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
        residual = P - self.Y
        sums = self._sums(residual) if exact else self.X.T @ residual.astype(np.float32)
        gradient = sums / n + self.l2 * W
        value = loss / n + (self.l2 * W**2).sum() / 2 + (self.l1 * np.abs(W)).sum()
        return Point(W, float(value), gradient, P)

    def _margins(self, W: Array) -> Array:
        return np.concatenate([block @ W for block in self._blocks()])

    def _sums(self, values: Array) -> Array:
        parts = (
            block.T @ values[i * BLOCK : (i + 1) * BLOCK] for i, block in enumerate(self._blocks())
        )
        return np.asarray(sum(parts), np.float64)

    def _blocks(self) -> Iterator[Array]:
        return (self.X[i : i + BLOCK].astype(np.float64) for i in range(0, len(self.X), BLOCK))

    def curvature(self, point: "Point") -> Array:
        """Diagonal of the Hessian of the smooth part, kept away from 0."""
        weights = (point.P * (1 - point.P)).astype(np.float32)
        diagonal: Array = (self.X**2).T @ weights / np.float64(len(self.X)) + self.l2
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
    pairs: deque[tuple[Array, Array]] = deque(maxlen=MEMORY)
    quick = _descend(
        objective, start, pairs, max(QUICK_SHARE * tol, QUICK_TOLERANCE), max_iter, exact=False
    )
    gap = float(np.abs(objective.subgradient(objective.at(quick.W))).max())
    if gap <= tol or quick.iterations == max_iter:
        return replace(quick, optimality_gap=gap, converged=gap <= tol)
    rest = _descend(objective, quick.W, pairs, tol, max_iter - quick.iterations, exact=True)
    return replace(rest, iterations=quick.iterations + rest.iterations)


def _descend(
    objective: Objective,
    start: Array,
    pairs: deque[tuple[Array, Array]],
    tol: float,
    max_iter: int,
    exact: bool,
) -> Solution:
    point = objective.at(start, exact)
    iteration = 0
    while True:
        slope = objective.subgradient(point)
        gap = float(np.abs(slope).max())
        if gap <= tol or iteration == max_iter:
            break
        if iteration % REFRESH == 0:
            diagonal = objective.curvature(point)
        direction = _direction(point.W, slope, diagonal, pairs, objective.l1)
        after = _search(objective, point, slope, direction, exact)
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
    return Solution(point.W, gap, iteration, gap <= tol)


def _direction(
    W: Array, slope: Array, diagonal: Array, pairs: deque[tuple[Array, Array]], l1: Array
) -> Array:
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


def _search(
    objective: Objective, point: Point, slope: Array, direction: Array, exact: bool
) -> Point | None:
    """Halve the step until the objective falls enough; weights that would change sign stop at 0."""
    sign = np.where(point.W != 0, np.sign(point.W), -np.sign(slope))
    unseen = 0 if exact else QUICK_ROUNDING * abs(point.value)
    size = 1.0
    while size >= SMALLEST_STEP:
        W = point.W + size * direction
        W = np.where((W * sign < 0) & (objective.l1 > 0), 0, W)
        after = objective.at(W, exact)
        expected = np.vdot(slope, W - point.W)
        if expected < 0 and after.value <= point.value + 1e-4 * expected + unseen:
            return after
        size /= 2
    return None
