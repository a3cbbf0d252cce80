"""A class that an experiment file names, as a model family."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from tuner_job.errors import ConfigError
from tuner_job.models.base import UNKNOWN_RANK, FoldData, Params, PathPoint
from tuner_job.models.classes import PresentClasses
from tuner_job.models.estimators.filling import Filling
from tuner_job.models.estimators.kept import EstimatorPredictor, read_kept
from tuner_job.models.estimators.making import Estimator, Recipe
from tuner_job.models.estimators.trust import Trust
from tuner_job.models.estimators.ways import Rows, Way, fit_each, is_sound, ways_of
from tuner_job.models.parameters import read_params, read_path
from tuner_job.models.path import certain_path, in_order
from tuner_job.own_code.importing import provide
from tuner_job.own_code.reference import parse
from tuner_job.threads import one_thread, quietly

_SOME_ROWS = 24


class EstimatorFamily:
    """Any estimator with `fit`, `predict_proba`, `get_params` and `set_params`; see `ModelFamily`.

    It travels to workers as what the experiment file says of it; classes are imported where they
    are used.

    Parameters
    ----------
    name
        As in `models` of the experiment file.
    recipe
        How the estimator is made.
    trust
        What `from_bytes` may run.
    """

    rank: ClassVar[int] = UNKNOWN_RANK
    default_space: ClassVar[Mapping[str, Any]] = {}
    mutable: ClassVar[frozenset[str]] = frozenset()
    why_not_mutable: ClassVar[str] = (
        "nobody knows whether an estimator of another package can train on with other parameters"
    )

    def __init__(self, name: str, recipe: Recipe, trust: Trust | None = None):
        self.name, self.recipe, self.trust = name, recipe, trust or Trust()

    def __reduce__(self) -> Any:
        return EstimatorFamily, (self.name, self.recipe, self.trust)

    @property
    def libraries(self) -> tuple[str, ...]:
        """Modules of scikit-learn that its classes are of. Others are imported by each worker: who
        knows what they begin when they are, which a copy of a process would lack."""
        named = (parse(text).module for text in self.recipe.classes)
        return tuple(one for one in named if one.partition(".")[0] == "sklearn")

    @property
    def Parameters(self) -> type[BaseModel]:  # noqa: N802 (a family's class of parameters)
        """Parameters that may be searched; see `ModelFamily`."""
        return self._parameters

    @cached_property
    def _parameters(self) -> type[BaseModel]:
        return self.recipe.parameters()

    @property
    def path_parameter(self) -> str | None:
        """The parameter whose values one fit scores where that is sound."""
        return self.recipe.path

    @property
    def path_is_nested(self) -> bool:
        """Whether configurations that differ only in it are fitted together."""
        return self.recipe.path is not None

    @cached_property
    def takes_missing(self) -> bool:
        """Whether the estimator fits rows with missing values, found out by a small fit."""
        X = np.abs(np.random.default_rng(0).normal(size=(_SOME_ROWS, 3))).astype(np.float32)
        y = np.arange(_SOME_ROWS, dtype=np.int32) % 2
        X[::5, 0] = np.nan
        try:
            with self._fitting():
                estimator = self.recipe.make()
                estimator.fit(X, y)
                return bool(np.isfinite(estimator.predict_proba(X)).all())
        except Exception:  # whatever it says then
            return False

    def complexity(self, params: Params) -> tuple[float, ...]:
        """Order by the path's size, all that is known of it; see `ModelFamily`."""
        if self.recipe.path is None:
            return (0.0,)
        parameters = read_params(self.name, self.Parameters, params)
        return (float(getattr(parameters, self.recipe.path)),)

    def fit_path(
        self, fold: FoldData, params: Params, values: Sequence[Any], seed: int
    ) -> list[PathPoint]:
        """Fit along the path in a way that is sound, else value by value; see `ModelFamily`."""
        points = self._points(params, values)
        classes = PresentClasses.of(fold.y_train, fold.n_classes)
        if classes.single:
            return certain_path(fold, classes, len(points))
        rows, n = self._rows(fold, classes), len(fold.X_validation)
        path = self.recipe.path
        sizes = [getattr(point, path) if path else 0 for point in points]
        fixed = {k: v for k, v in _given(points[0]).items() if k != path}
        scored: dict[int, PathPoint] = {}
        with self._fitting() as told:
            begun = time.perf_counter()
            way = self._way(fixed, set(sizes), rows, seed)
            told.clear()
            for size, P in way(sorted(set(sizes))):
                seconds, begun = time.perf_counter() - begun, time.perf_counter()
                P = classes.spread(P)
                scored[size] = PathPoint(P[:n], P[n:], seconds, _diagnostics(told))
                told.clear()
        return in_order(scored, sizes)

    def fit(
        self,
        X: NDArray[np.float32],
        y: NDArray[np.int32],
        n_classes: int,
        params: Params,
        seed: int,
    ) -> EstimatorPredictor:
        """Fit one configuration on all rows; see `ModelFamily`."""
        parameters = read_params(self.name, self.Parameters, params)
        classes = PresentClasses.of(y, n_classes)
        filling = Filling.of(X, self.takes_missing)
        filled = filling.apply(X)
        some = filled[:: max(1, len(X) // _SOME_ROWS)]
        if classes.single:
            return EstimatorPredictor(self.name, None, classes, filling, some)
        with self._fitting():
            estimator = self.recipe.make(_given(parameters), seed)
            estimator.fit(filled, classes.encode(y))
        return EstimatorPredictor(self.name, estimator, classes, filling, some)

    def from_bytes(self, content: bytes) -> EstimatorPredictor:
        """Load what `EstimatorPredictor.to_bytes` wrote, as far as `trust` goes; see
        `ModelFamily`."""
        provide(self.recipe.sources)
        return read_kept(self.name, content, self.trust)

    def _points(self, params: Params, values: Sequence[Any]) -> list[BaseModel]:
        """Validate the configuration once a value."""
        if self.recipe.path is not None:
            return read_path(self.name, self.Parameters, params, self.recipe.path, values)
        if not values:
            raise ConfigError(f"{self.name}: must have at least one value, found none")
        return [read_params(self.name, self.Parameters, params)] * len(values)

    def _rows(self, fold: FoldData, classes: PresentClasses) -> Rows:
        """Rows of a fold without missing values where the estimator refuses them."""
        key = f"{self.name} rows {self.takes_missing}"
        if key not in fold.prepared:
            filling = Filling.of(fold.X_train, self.takes_missing)
            predicted = np.concatenate([fold.X_validation, fold.X_probe])
            fold.prepared[key] = Rows(
                filling.apply(fold.X_train), classes.encode(fold.y_train), filling.apply(predicted)
            )
        rows: Rows = fold.prepared[key]
        return rows

    def _way(
        self, params: Params, sizes: Collection[int], rows: Rows, seed: int
    ) -> Callable[[Sequence[int]], Iterator[tuple[int, Any]]]:
        """Find how sizes are fitted: each, or along one fit where a few rows show that it is the
        same."""

        def make(more: Mapping[str, Any]) -> Estimator:
            return self.recipe.make({**params, **more}, seed)

        path = self.recipe.path
        way: Way = fit_each
        if path is not None and len(sizes) > 1:
            offered, n = ways_of(make({}), path), len(sizes)
            way = next((one for one in offered if is_sound(one, make, path, rows, n)), fit_each)
        return lambda wanted: way(make, path, wanted, rows)

    @contextmanager
    def _fitting(self) -> Iterator[list[Any]]:
        """One thread, the estimator's libraries included; its warnings as a list."""
        _ = self.Parameters  # imports them
        with quietly() as told, one_thread(self.recipe.classes):
            yield told


def _given(parameters: BaseModel) -> dict[str, Any]:
    """What a configuration states; of the rest an estimator has its own defaults."""
    return parameters.model_dump(exclude_unset=True)


def _diagnostics(told: Sequence[Any]) -> dict[str, Any]:
    """What a user should know of a fit."""
    unfinished = any(one.category.__name__ == "ConvergenceWarning" for one in told)
    return {"converged": False} if unfinished else {}
