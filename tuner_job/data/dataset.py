"""VaDataset: what every loader makes and everything after it uses."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.codebook import Codebook, Feature

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class VaDataset:
    """Coded verbal autopsies: one row a death.

    Attributes
    ----------
    X
        (n_samples, n_features) float32; NaN means missing, and only that.
    y
        (n_samples,) int32, an index into `causes`.
    site
        (n_samples,) int32, an index into `sites`; all zeros where the data has no sites.
    causes
        The fixed cause list. Every metric is taken over all of it, present in a sample or not.
    sites
        Site names; a single ``"all"`` where the data has no sites.
    features
        One entry a column of `X`.
    notes
        What was found and handled while loading, one sentence each, to be said once.
    codebook
        How the columns of the file were read into `features`; empty where no file was read.
    of_file
        `digest` of all features of the file, where only the informative ones are left; else empty.
    copies
        (n_samples,) int32 group numbers: rows of one group are copies of one death, and no split
        may separate them. All different where nothing is given.
    """

    X: FloatArray
    y: IntArray
    site: IntArray
    causes: tuple[str, ...]
    sites: tuple[str, ...]
    features: tuple[Feature, ...]
    notes: tuple[str, ...] = ()
    codebook: Codebook = field(default_factory=Codebook)
    of_file: str = ""
    copies: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int32))

    def __post_init__(self) -> None:
        if not len(self.copies):
            object.__setattr__(self, "copies", np.arange(len(self.y), dtype=np.int32))

    @property
    def n_samples(self) -> int:
        """Number of deaths."""
        return len(self.y)

    @property
    def n_causes(self) -> int:
        """Length of the cause list."""
        return len(self.causes)

    @cached_property
    def n_different(self) -> int:
        """Number of deaths, copies of one death counted once."""
        return len(np.unique(self.copies))

    def take(self, rows: NDArray[np.integer]) -> "VaDataset":
        """Some rows (n_rows,); the cause list, the sites and the features stay whole."""
        return replace(
            self,
            X=self.X[rows],
            y=self.y[rows],
            site=self.site[rows],
            notes=(),
            copies=self.copies[rows],
        )

    def informative(self, rows: NDArray[np.integer]) -> "VaDataset":
        """All rows, with the features that tell these rows (n_rows,) apart: what is trained on must
        not be chosen by deaths that are held out."""
        codebook = self.codebook.narrow(self.X[rows])
        if codebook == self.codebook:
            return self
        return replace(
            self,
            X=self.X[:, self._columns_of(codebook)],
            features=codebook.features,
            codebook=codebook,
            of_file=self.digest,
        )

    def informative_columns(self, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        """(n_features,) which features `informative` keeps; all where no file was read."""
        return self._columns_of(self.codebook.narrow(self.X[rows]))

    def _columns_of(self, codebook: Codebook) -> NDArray[np.bool_]:
        kept = set(codebook.features or self.features)
        return np.array([feature in kept for feature in self.features])

    @cached_property
    def digest(self) -> str:
        """SHA-256 over values and names: two data sets with one digest give the same results."""
        if self.of_file:
            return self.of_file
        digest = hashlib.sha256()
        for array in (self.X, self.y, self.site):
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        names = (
            self.causes,
            self.sites,
            tuple((f.name, f.column, f.category) for f in self.features),
        )
        digest.update(repr(names).encode())
        if self.n_different < self.n_samples:
            digest.update(_by_first_row(self.copies).tobytes())
        return digest.hexdigest()


def digest_of_rows(X: FloatArray, y: IntArray) -> str:
    """SHA-256 over encoded deaths X (n_rows, n_features) with their causes y (n_rows,), in any
    order.

    It tells whether two sets of deaths are the same, and nothing of a single death: one that is
    changed, left out or added gives another digest.
    """
    return hashlib.sha256(b"".join(sorted(digests_by_row(X, y)))).hexdigest()


def digests_by_row(X: FloatArray, y: IntArray) -> list[bytes]:
    """SHA-256 of each death, to be compared while a command runs. They are never stored: who can
    guess a death's answers could look it up."""
    values = np.where(np.isnan(X), np.float32(np.nan), X + np.float32(0)).astype(np.float32)
    causes = y.astype(np.int32)
    return [
        hashlib.sha256(row.tobytes() + cause.tobytes()).digest()
        for row, cause in zip(values, causes, strict=True)
    ]


def _by_first_row(copies: IntArray) -> IntArray:
    """Each row's first copy, (n_samples,): the same however groups are numbered."""
    _, first, group = np.unique(copies, return_index=True, return_inverse=True)
    return np.asarray(first[group], dtype=np.int32)
