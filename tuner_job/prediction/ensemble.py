"""The ensemble as a fitted model: its members' bytes, whole, and how they are pooled."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner_job.errors import StoreError
from tuner_job.evaluation.pooling import MOST_EXPONENT, Pool
from tuner_job.files.arrays import read_array, read_zip, require, write_array, write_zip
from tuner_job.models import ENSEMBLE, FAMILIES
from tuner_job.models.base import Predictor
from tuner_job.models.estimators.kept import read_kept
from tuner_job.models.estimators.trust import Trust, UntrustedError
from tuner_job.types import Floats
from tuner_job.wording import listed, plain

_EXPONENTS, _PRIOR = "exponents.npy", "prior.npy"
_LEAST_PRIOR = 1e-12
_MOST_POOL = 2**20
"""Bytes of exponents and prior."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Fitted models, pooled.

    Attributes
    ----------
    members
        Family → its model; all have the same features and causes.
    pooled
        How, in the members' order.
    """

    members: Mapping[str, Predictor]
    pooled: Pool

    @property
    def shape(self) -> tuple[int, int]:
        """Number of features, and of causes, n_classes."""
        return next(iter(self.members.values())).shape

    def predict_proba(self, X: NDArray[np.float32]) -> Floats:
        """Probabilities (n_rows, n_classes); rows sum to 1."""
        return self.pooled.apply([one.predict_proba(X) for one in self.members.values()])

    def to_bytes(self) -> bytes:
        """What `read_ensemble` reads."""
        return pack_members(
            {name: one.to_bytes() for name, one in self.members.items()}, self.pooled
        )


def pack_members(members: Mapping[str, bytes], pooled: Pool) -> bytes:
    """Write fitted models, family → bytes, and how they are pooled in their order."""
    order = [list(members).index(name) for name in sorted(members)]
    arrays = {_EXPONENTS: pooled.exponents[order], _PRIOR: pooled.prior}
    content = {name: write_array(values.astype(np.float64)) for name, values in arrays.items()}
    return write_zip({**members, **content}, stored=members)


def read_fitted(family: str, content: bytes, trust: Trust) -> Predictor:
    """Read a fitted model of a family of the house, or of an estimator as far as it is trusted.

    Raises
    ------
    StoreError
    """
    if family in FAMILIES:
        return FAMILIES[family].from_bytes(content)
    return read_kept(family, content, trust)


def read_ensemble(content: bytes, trust: Trust = Trust()) -> Ensemble:  # noqa: B008 (frozen)
    """Read what `pack_members` wrote, whoever did: what is accepted gives probabilities.

    Parameters
    ----------
    trust
        Whose code may run: that of members that are estimators of other packages.

    Raises
    ------
    StoreError
    """
    found = read_zip(content, 2 * len(content) + _MOST_POOL)
    exponents = _numbers(found.pop(_EXPONENTS, b""), "exponents")
    prior = _numbers(found.pop(_PRIOR, b""), "prior")
    must = f"an {ENSEMBLE} must be of two or more of {listed(FAMILIES)} and estimators, "
    require(len(found) > 1 and ENSEMBLE not in found, f"{must}found {listed(found)}")
    members, untrusted = {}, []
    for name in sorted(found):
        try:
            members[name] = _member(name, found[name], trust)
        except UntrustedError as error:
            untrusted.append(error)
    if untrusted:  # all that is to be added, at once
        modules = [module for one in untrusted for module in one.modules]
        raise UntrustedError(modules, any(one.pickle for one in untrusted))
    shapes = {one.shape for one in members.values()}
    require(len(shapes) == 1, "an ensemble's members must have the same features and causes")
    n_causes = shapes.pop()[1]
    require(len(exponents) == len(members), f"exponents must be {len(members)} numbers")
    inside = ((exponents >= 0) & (exponents <= MOST_EXPONENT)).all() and exponents.any()
    require(inside, f"exponents must lie in 0 … {MOST_EXPONENT:g}, one of them above 0")
    whole = len(prior) == n_causes and (prior >= _LEAST_PRIOR).all() and abs(prior.sum() - 1) < 1e-6
    require(whole, f"prior must be {n_causes} fractions above 0 that sum to 1")
    return Ensemble(members, Pool(exponents, prior))


def _numbers(content: bytes, name: str) -> Floats:
    values = read_array(content, name)
    require(values.dtype == np.float64 and values.ndim == 1, f"{name} must be a row of numbers")
    return values


def _member(family: str, content: bytes, trust: Trust) -> Predictor:
    try:
        return read_fitted(family, content, trust)
    except UntrustedError:
        raise
    except StoreError as error:
        raise StoreError(f"its member {plain(family, 40)}: {error}") from None
