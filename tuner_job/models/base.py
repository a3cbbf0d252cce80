"""What a model family must offer, so that the rest never asks which family it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

Params = Mapping[str, Any]
UNKNOWN_RANK = 500
"""Rank of a family that is not of our own: behind all of those, as nobody knows how complex it
is."""


@dataclass(frozen=True)
class FoldData:
    """The rows of one fold, as a family needs them.

    Attributes
    ----------
    X_train, y_train
        (n_train, n_features) float32 with NaN for missing; (n_train,) int32 in ``0 … n_classes -
        1``. A cause may be absent from `y_train`.
    X_validation
        (n_validation, n_features).
    X_probe
        (n_probe, n_features): training rows on which the train score is taken.
    n_classes
        Length of the cause list.
    prepared
        What a family derived from these rows once (a quantised matrix, scaled rows) and may use
        again for the next task on the same fold in the same process. Keys begin with the family's
        name.
    """

    X_train: NDArray[np.float32]
    y_train: NDArray[np.int32]
    X_validation: NDArray[np.float32]
    X_probe: NDArray[np.float32]
    n_classes: int
    prepared: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PathPoint:
    """One configuration of a path, scored by a fit that it shares with the others.

    Attributes
    ----------
    P_validation, P_probe
        (n_rows, n_classes) probabilities; rows sum to 1; a cause absent from training has
        probability 0.
    fit_seconds
        Seconds of fitting that this point added to the path; their sum is the whole fit.
    diagnostics
        What a user should know of this fit, for example ``{"converged": True, "solver":
        "newton-cg"}``. Values are plain JSON and the same at every run (no timings).
    """

    P_validation: NDArray[np.floating[Any]]
    P_probe: NDArray[np.floating[Any]]
    fit_seconds: float
    diagnostics: Mapping[str, Any] = field(default_factory=dict)


class Predictor(Protocol):
    """A fitted model."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of features, and of causes, n_classes."""

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """Probabilities (n_rows, n_classes) over the whole cause list; rows sum to 1."""

    def to_bytes(self) -> bytes:
        """Return the model in a form that `ModelFamily.from_bytes` reads without running code
        from it."""


class ModelFamily(Protocol):
    """One kind of model: its parameters, its default search space, its fits."""

    @property
    def name(self) -> str:
        """As in an experiment file."""

    @property
    def rank(self) -> int:
        """Place among the families from the simplest, 10, to the most complex: where two are
        equally good, the simpler one is taken. Steps of 10 leave room for others between them."""

    @property
    def Parameters(self) -> type[BaseModel]:  # noqa: N802 (a class)
        """Every parameter the family takes, with its range and the untuned default; others are
        refused."""

    @property
    def default_space(self) -> Mapping[str, Any]:
        """The search space as it would stand in an experiment file."""

    @property
    def path_parameter(self) -> str | None:
        """The parameter whose values are all scored by one fit; ``None`` if there is none."""

    @property
    def mutable(self) -> frozenset[str]:
        """Parameters that may change while a fit is under way and what it has learned stays; empty
        if there is nothing to carry over."""

    @property
    def why_not_mutable(self) -> str:
        """If `mutable` is empty, the reason, as the end of a sentence that names the model."""

    @property
    def path_is_nested(self) -> bool:
        """Whether the fit of one value goes through every smaller one, or contains it, so that
        these take no further fitting."""

    @property
    def libraries(self) -> tuple[str, ...]:
        """Modules, beside NumPy and SciPy's linear algebra, that a fit imports: workers load them
        while the data are read."""

    def complexity(self, params: Params) -> tuple[float, ...]:
        """Return a value by which configurations can be ordered: smaller is simpler, whatever it
        scores."""

    def fit_path(
        self, fold: FoldData, params: Params, values: Sequence[Any], seed: int
    ) -> list[PathPoint]:
        """Fit `params` once and score each value of the path parameter.

        Parameters
        ----------
        params
            A valid configuration; its own value of the path parameter is ignored.
        values
            Values of the path parameter, in any order.
        seed
            The same for every fold: a configuration's result never depends on who asked for it.

        Returns
        -------
        One point a value, in the order of `values`. Each equals, to the last bit for tree models,
        what a
        fit of that configuration alone gives.
        """

    def fit(
        self,
        X: NDArray[np.float32],
        y: NDArray[np.int32],
        n_classes: int,
        params: Params,
        seed: int,
    ) -> Predictor:
        """Fit one configuration on all rows."""

    def from_bytes(self, content: bytes) -> Predictor:
        """Load what `Predictor.to_bytes` wrote, whoever did: what is accepted gives probabilities.

        Raises
        ------
        StoreError
            If the bytes are anything else; the message ends a sentence that names them.
        """
