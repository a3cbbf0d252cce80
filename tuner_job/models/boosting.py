"""A booster on its way: rounds added step by step, by whoever takes it further."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tuner_job.errors import ConfigError
from tuner_job.files.arrays import require
from tuner_job.models.base import FoldData, PathPoint
from tuner_job.models.boosted_trees import BoostedTrees, load
from tuner_job.models.classes import PresentClasses
from tuner_job.models.nodes import MOST_TREES
from tuner_job.types import Probabilities

if TYPE_CHECKING:  # the driver validates parameters without loading the library
    import xgboost

NAME = "xgboost"
T = TypeVar("T")


class Boosting:
    """A booster on its way over one fold; see `Growing`.

    Parameters
    ----------
    settings
        XGBoost's parameters but for the number of rounds.
    content
        What `to_bytes` gave, to go on from.

    It lives in a thread of its own: XGBoost draws rows and columns from one generator a thread,
    which boosters that take turns would draw from in turn.
    """

    def __init__(
        self,
        fold: FoldData,
        settings: Mapping[str, Any],
        seed: int,
        content: bytes | None = None,
    ):
        self.classes = PresentClasses.of(fold.y_train, fold.n_classes)
        self.booster: xgboost.Booster | None = None
        self._fold, self._max_bin = fold, int(settings["max_bin"])
        self._size, self._seconds = 0, 0.0
        self._own_thread = ThreadPoolExecutor(1, thread_name_prefix=NAME)
        if not self.classes.single:
            self._own_thread.submit(self._begin, settings, seed, content).result()
        elif content is not None:
            self._size = int.from_bytes(content[:4], "big")

    @property
    def size(self) -> int:
        """Rounds so far."""
        return self._size

    def grow_to(self, size: int) -> None:
        """Boost up to `size` rounds.

        Raises
        ------
        ConfigError
            If these are more trees than a model may have.
        """
        n_trees = size * len(self.classes.codes)
        if n_trees > MOST_TREES:
            raise ConfigError(
                f"n_estimators × causes must be at most {MOST_TREES:,}, found {n_trees:,}"
            )
        if self.booster:
            self._own_thread.submit(self._boost, self.booster, size).result()
        self._size = max(size, self._size)

    def point(self) -> PathPoint:
        """Score what there is.

        Predicting a matrix again adds only the trees grown since: the booster remembers its
        margins.
        """
        rows = {"validation": self._fold.X_validation, "probe": self._fold.X_probe}
        if not self.booster:
            validation, probe = (self.classes.certain(len(X)) for X in rows.values())
            return PathPoint(validation, probe, 0.0, {"single_cause": True})
        prepared = [_prepared(self._fold, part, partial(matrix, X)) for part, X in rows.items()]
        validation, probe = (predict(self.booster, each, self.classes) for each in prepared)
        seconds, self._seconds = self._seconds, 0.0
        return PathPoint(validation, probe, seconds)

    def to_bytes(self) -> bytes:
        """Write the booster as UBJSON, after its size; nothing more where training had a single
        cause."""
        return self._size.to_bytes(4, "big") + (
            bytes(self.booster.save_raw("ubj")) if self.booster else b""
        )

    def _begin(self, settings: Mapping[str, Any], seed: int, content: bytes | None) -> None:
        import xgboost  # only fits and predictions need it

        started = time.perf_counter()
        train = self._train()
        if content is None:
            self.booster = xgboost.Booster(_complete(settings, self.classes, seed), [train])
        else:  # other draws than those that the first rounds made
            trees, n_features = self._stored(content), self._fold.X_train.shape[1]
            complete = _complete(settings, self.classes, (seed + self._size) % 2**31)
            self.booster = load(trees, n_features, complete, [train])
        self._seconds = time.perf_counter() - started

    def _stored(self, content: bytes) -> BoostedTrees:
        """Read what `to_bytes` wrote, whoever did: checkpoints stand with the results."""
        self._size = int.from_bytes(content[:4], "big")
        trees = BoostedTrees.of_document(content[4:])
        trees.check(self._fold.X_train.shape[1], len(self.classes.codes))
        require(
            trees.n_rounds == self._size,
            f"a booster of {trees.n_rounds:,} rounds must have {self._size:,}",
        )
        return trees

    def _boost(self, booster: "xgboost.Booster", size: int) -> None:
        started = time.perf_counter()
        for done in range(booster.num_boosted_rounds(), size):
            booster.update(self._train(), done)
        self._seconds += time.perf_counter() - started

    def _train(self) -> "xgboost.QuantileDMatrix":
        fold = self._fold
        quantise = partial(_quantise, fold.X_train, fold.y_train, self.classes, self._max_bin)
        return _prepared(fold, f"train/{self._max_bin}", quantise)


def _quantise(
    X: NDArray[np.float32], y: NDArray[np.int32], classes: PresentClasses, max_bin: int
) -> "xgboost.QuantileDMatrix":
    import xgboost  # only fits and predictions need it

    return xgboost.QuantileDMatrix(X, classes.encode(y), max_bin=max_bin, nthread=1)


def matrix(X: NDArray[np.float32]) -> "xgboost.DMatrix":
    """Rows as XGBoost reads them."""
    import xgboost  # only fits and predictions need it

    return xgboost.DMatrix(X, nthread=1)


def _prepared(fold: FoldData, part: str, make: Callable[[], T]) -> T:
    """Matrices of the fold, made once: binning the training rows costs as much as several
    rounds."""
    key = f"{NAME}/{part}"
    if key not in fold.prepared:
        fold.prepared[key] = make()
    made: T = fold.prepared[key]
    return made


def _complete(settings: Mapping[str, Any], classes: PresentClasses, seed: int) -> dict[str, Any]:
    fixed = {"objective": "multi:softprob", "num_class": len(classes.codes), "tree_method": "hist"}
    return {**settings, **fixed, "nthread": 1, "seed": seed, "verbosity": 0}


def predict(
    booster: "xgboost.Booster", rows: "xgboost.DMatrix", classes: PresentClasses
) -> Probabilities:
    """Probabilities (n_rows, n_classes)."""
    P: NDArray[np.float32] = booster.predict(rows)
    return classes.spread(P)
