"""A fitted estimator that is kept: by skops where it can be, which runs nothing before the types in
it have been looked at; else as a pickle, which says so."""

import io
import pickle
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.errors import DataError, StoreError
from tuner_job.files.arrays import require
from tuner_job.models.archive import Fields, conform, pack, unpack
from tuner_job.models.classes import SHAPE_FIELDS, PresentClasses, check_columns
from tuner_job.models.estimators.filling import Filling
from tuner_job.models.estimators.trust import Trust, UntrustedError
from tuner_job.models.estimators.ways import predict
from tuner_job.threads import one_thread, quietly
from tuner_job.types import Probabilities
from tuner_job.wording import plain

FIELDS: Fields = {
    **SHAPE_FIELDS,
    "filling": ("float32", 1),
    "kind": ("str", 0),
    "content": ("uint8", 1),
}
_SKOPS, _PICKLE, _NOTHING = "skops", "pickle", "nothing"
_FREE_BYTES, _MOST_RATIO = 1 << 28, 64
"""What a kept estimator may unpack to: so much, and so many times its own size."""
_MOST_OF_ERROR = 200


@dataclass(frozen=True, eq=False)
class EstimatorPredictor:
    """A fitted estimator, or none where there was one cause to learn; see `Predictor`.

    Attributes
    ----------
    tried
        (n_rows, n_features): rows by which it is seen whether what is kept is the same.
    content
        Its bytes, of one that was read.
    """

    family: str
    estimator: Any
    classes: PresentClasses
    filling: Filling
    tried: NDArray[np.float32]
    content: bytes | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of features and of causes; see `Predictor`."""
        return len(self.filling.values), self.classes.n_classes

    def predict_proba(self, X: NDArray[np.float32]) -> Probabilities:
        """Probabilities (n_rows, n_classes); see `Predictor`.

        Raises
        ------
        DataError
            What the estimator says are no probabilities.
        """
        check_columns(X, self.shape[0])
        if self.classes.single:
            return self.classes.certain(len(X))
        if not len(X):
            return np.zeros((0, self.classes.n_classes))
        try:
            with quietly(), one_thread(self.family):
                return self.classes.spread(predict(self.estimator, self.filling.apply(X)))
        except FloatingPointError as error:
            raise DataError(f"{self.family}: {error}") from None

    def to_bytes(self) -> bytes:
        """Write the estimator, and what it takes to use it; see `Predictor`.

        Raises
        ------
        StoreError
            It can be kept in neither way.
        """
        if self.content is not None:
            return self.content
        kind, content = (_NOTHING, b"") if self.classes.single else self._kept()
        arrays = {
            "filling": self.filling.values,
            "kind": np.array(kind),
            "content": np.frombuffer(zlib.compress(content), np.uint8),
        }
        return pack(self.family, {**arrays, **self.classes.arrays(self.shape[0])})

    def _kept(self) -> tuple[str, bytes]:
        """Keep it in the first way from which the same comes back."""
        why = ""
        for kind, write, read in (
            (_SKOPS, _dump, _load_all),
            (_PICKLE, pickle.dumps, pickle.loads),
        ):
            try:
                with quietly(), one_thread(self.family):
                    content = write(self.estimator)
                    again = predict(read(content), self.tried)
                    if np.array_equal(again, predict(self.estimator, self.tried)):
                        return kind, content
                why = "what comes back predicts otherwise"
            except Exception as error:  # whatever somebody's class does
                why = f"{type(error).__name__}: {plain(error, _MOST_OF_ERROR)}"
        raise StoreError(f"{self.family}: its fitted estimator cannot be kept: {why}")


def read_kept(family: str, content: bytes, trust: Trust) -> EstimatorPredictor:
    """Read what `EstimatorPredictor.to_bytes` wrote; nothing runs that is not trusted.

    Raises
    ------
    StoreError
        It is no such model, or not trusted: the message says what to add.
    """
    arrays = unpack(family, content)
    conform(arrays, FIELDS)
    classes, n_features = PresentClasses.stored(arrays["codes"], arrays["shape"])
    filling = Filling(arrays["filling"])
    require(len(filling.values) == n_features, f"filling must have {n_features:,} values")
    kind, inner = str(arrays["kind"]), _unpacked(arrays["content"].tobytes())
    kinds = (_NOTHING,) if classes.single else (_SKOPS, _PICKLE)
    require(kind in kinds, f"kind must be {' or '.join(kinds)}, found {plain(kind, 40)}")
    nothing = np.zeros((1, n_features), np.float32)
    if classes.single:
        return EstimatorPredictor(family, None, classes, filling, nothing, content)
    estimator = _trusted(kind, inner, trust)
    found = EstimatorPredictor(family, estimator, classes, filling, nothing, content)
    try:
        n_found = predict(estimator, filling.apply(nothing)).shape[1]
    except Exception as error:  # whatever somebody's class does
        raise StoreError(f"it does not predict: {plain(error, _MOST_OF_ERROR)}") from None
    require(n_found == len(classes.codes), f"it must tell {len(classes.codes)} causes apart")
    return found


def _trusted(kind: str, content: bytes, trust: Trust) -> Any:
    """Load what is trusted."""
    if kind == _PICKLE and not trust.pickle:
        raise UntrustedError((), pickle=True)
    try:
        types = _types(content) if kind == _SKOPS else []
    except Exception as error:  # skops has no words of its own for what is malformed
        said = plain(error, _MOST_OF_ERROR)
        raise StoreError(f"it cannot be read: {type(error).__name__}: {said}") from None
    if missed := trust.misses(types):
        raise UntrustedError(missed)
    try:
        trust.make_importable()
        with quietly():
            return _load(content, types) if kind == _SKOPS else pickle.loads(content)
    except ModuleNotFoundError as error:
        name = plain(error.name, 80)
        raise StoreError(
            f"it needs the module {name}, which is not installed here: install it, or run this "
            f"where {name}.py stands, with --trust {name}"
        ) from None
    except Exception as error:  # whatever somebody's class does
        said = plain(error, _MOST_OF_ERROR)
        raise StoreError(f"it cannot be loaded: {type(error).__name__}: {said}") from None


def _unpacked(content: bytes) -> bytes:
    most = _FREE_BYTES + _MOST_RATIO * len(content)
    try:
        inner = zlib.decompressobj().decompress(content, most + 1)
    except zlib.error:
        raise StoreError("content cannot be read: it is not deflated") from None
    require(len(inner) <= most, f"content must unpack to at most {most:,} bytes")
    return inner


def _types(content: bytes) -> list[str]:
    """Types in a skops file that skops does not trust; nothing of it runs."""
    from skops.io import get_untrusted_types  # importing it takes a second

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        total, most = sum(i.file_size for i in archive.infolist()), _FREE_BYTES + len(content)
    require(total <= most, f"its members must unpack to at most {most:,} bytes")
    return list(get_untrusted_types(data=content))


def _dump(estimator: Any) -> bytes:
    from skops.io import dumps

    return bytes(dumps(estimator))


def _load(content: bytes, types: list[str]) -> Any:
    from skops.io import loads

    return loads(content, trusted=types)


def _load_all(content: bytes) -> Any:
    return _load(content, _types(content))
