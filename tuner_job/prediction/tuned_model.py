"""A tuned model as one file: what was fitted, with what it takes to use it on new data."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

import numpy as np
from annotated_types import Ge, Le, MinLen
from numpy.typing import NDArray
from pydantic import FiniteFloat, ValidationError

from tuner_job.data.codebook import Codebook, Feature, of_features
from tuner_job.data.config import DataConfig
from tuner_job.data.dataset import VaDataset
from tuner_job.data.new_rows import NewDeaths, read_new
from tuner_job.errors import StoreError
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import adjust, estimate
from tuner_job.evaluation.fractions import interval
from tuner_job.files.arrays import read_zip, reading, require, write_zip
from tuner_job.models import ENSEMBLE
from tuner_job.models.base import Predictor
from tuner_job.models.estimators.trust import Trust, UntrustedError
from tuner_job.prediction.ensemble import read_ensemble, read_fitted
from tuner_job.records import CalibrationRecord, CsmfEstimator, ResidualRecord, StudySummary
from tuner_job.results.store import read_bytes
from tuner_job.schema import Closed
from tuner_job.threads import one_thread
from tuner_job.wording import plain, shown

_DESCRIPTION, _MODEL = "description.json", "model"
MOST_DESCRIPTION = 16 * 2**20
"""Bytes of a description."""
MOST_VALUES = 2_000_000
"""Of a description; 1,000 causes have a matrix of half as many."""
MOST_SHRINKAGE = 1e6
_LEAST_LIKELY = 1e-200

Share = Annotated[FiniteFloat, Ge(0), Le(1 + 1e-6)]


@dataclass(frozen=True)
class TunedModel:
    """A fitted model with what it takes to use it on new data.

    Linear algebra has one thread, so that last digits are the same on any number of cores.
    """

    family: str
    params: Mapping[str, Any]
    causes: tuple[str, ...]
    codebook: Codebook
    """How the columns of its training data were read, and new ones are."""
    data: DataConfig
    """Where its training data was, and how it was coded."""
    predictor: Predictor
    csmf_estimator: CsmfEstimator
    """How a CSMF is best made of its probabilities, under the protocol that it was tuned for."""
    calibration: Calibration
    residual: ResidualRecord | None = None
    """How far its fractions lie from true ones; None in a model that an earlier version stored."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """The columns of X."""
        return self.codebook.features

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """The model's own probabilities (n_rows, n_causes) for encoded rows (n_rows,
        n_features)."""
        return self.predictor.predict_proba(X)

    def estimate_csmf(self, P: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """CSMF (n_causes,) of the deaths with these probabilities (n_rows, n_causes), taken
        together."""
        with one_thread():
            found = estimate([self.csmf_estimator], P, np.ones((1, len(P))), self.calibration)
        return np.asarray(found[0, 0])

    def csmf_interval(
        self, P: NDArray[np.floating[Any]], level: float = 0.95
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """CSMF as by `estimate_csmf`, with the lower and upper bound of each cause's true fraction
        among these deaths, (n_causes,) each.

        Where `residual` is None, bounds are those of resampling the deaths: of the model's own
        errors they know nothing, and are too narrow.

        Parameters
        ----------
        P : (n_rows, n_causes)
            Of at least one death.
        level
            Nominal coverage, above 0 and at most 0.99.

        Raises
        ------
        ValueError
            `level` lies outside.
        """
        with one_thread():
            return interval(P, self.csmf_estimator, self.calibration, self.residual, level)

    def calibrate(self, P: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Calibrated probabilities (n_rows, n_causes).

        They are adjusted to the estimated CSMF too, if the CSMF estimator takes the composition to
        differ from training.
        """
        Q = self.calibration.apply(P)
        if not self.csmf_estimator.needs_calibration:
            return Q
        return adjust(Q, self.calibration.prior, self.estimate_csmf(P))

    def read(
        self,
        source: str,
        say: Callable[[str], None] = lambda note: None,
        by: Sequence[str] = (),
    ) -> NewDeaths:
        """Read new deaths, coded like the training data, from a path or URL.

        Parameters
        ----------
        say
            Called with what was found and handled, one sentence each: cells that could not be
            read, for example.
        by
            Which groups deaths are sorted into; see `tuner_job.data.labels.read_labels`.

        Raises
        ------
        DataError, StoreError
            The file cannot be read, or is coded in another way than the training data.
        """
        data = self.data.model_copy(update={"source": source})
        return read_new(data, self.codebook, self.causes, read_bytes, say, by)

    def encode(
        self, source: str, say: Callable[[str], None] = lambda note: None
    ) -> NDArray[np.float32]:
        """Read new deaths as `read` does; return X (n_rows, n_features) alone."""
        return self.read(source, say).X


class _Feature(Closed):
    name: str
    column: str
    category: str | None


class _Calibration(Closed):
    temperature: Annotated[FiniteFloat, Ge(0.04), Le(25)]  # a little more than what is fitted
    prior: list[Share]
    matrix: list[list[Share]]
    training: list[Share] = []
    """Empty in a model that an earlier version stored."""


class _Description(Closed):
    family: str
    params: dict[str, Any]
    causes: Annotated[list[str], MinLen(1)]
    features: list[_Feature] = []
    """Of a model that was stored without a codebook."""
    codebook: Codebook = Codebook()
    data: DataConfig
    csmf_estimator: CsmfEstimator
    calibration: _Calibration
    residual: ResidualRecord | None = None


def pack_model(
    family: str, dataset: VaDataset, data: DataConfig, summary: StudySummary, fitted: bytes
) -> bytes:
    """Put a fitted model and what it takes to use it in one zip file; the same model gives the
    same bytes."""
    description = {
        "family": family,
        "params": dict(summary.best.params),
        "causes": dataset.causes,
        "codebook": _codebook_of(dataset).model_dump(mode="json", exclude_defaults=True),
        "data": data.model_dump(mode="json"),
        "csmf_estimator": summary.best.csmf_estimator.model_dump(),
        "calibration": summary.calibration and summary.calibration.model_dump(),
        "residual": summary.residual and summary.residual.model_dump(),
    }
    return write_zip(
        {_DESCRIPTION: json.dumps(description).encode(), _MODEL: fitted}, stored={_MODEL}
    )


def _codebook_of(dataset: VaDataset) -> Codebook:
    """The codebook of a data set; one that was generated has none, and its columns are numbers."""
    return dataset.codebook if dataset.codebook.variables else of_features(dataset.features)


def unpack_model(
    content: bytes,
    address: str,
    family: str,
    trust: Trust = Trust(),  # noqa: B008 (frozen)
) -> TunedModel:
    """Read what `pack_model` wrote, whoever did: what is accepted gives probabilities.

    Parameters
    ----------
    address
        Where it stands, for messages.
    family
        The model that it must be.
    trust
        Whose code may run: that of estimators of other packages.

    Raises
    ------
    StoreError
    """
    try:
        return _unpack(content, family, trust)
    except UntrustedError as error:
        raise StoreError(f"{address}: {error}") from None
    except StoreError as error:
        raise StoreError(f"{address}: cannot be used as a model: {error}") from None


def fitted_bytes(content: bytes) -> bytes:
    """Return what was fitted, of what `pack_model` wrote.

    Raises
    ------
    StoreError
    """
    return _members(content)[_MODEL]


def _members(content: bytes) -> dict[str, bytes]:
    members = read_zip(content, MOST_DESCRIPTION + 2 * len(content))
    require(
        members.keys() == {_DESCRIPTION, _MODEL},
        f"it must hold {_DESCRIPTION} and {_MODEL}, and nothing else",
    )
    return members


def _unpack(content: bytes, family: str, trust: Trust) -> TunedModel:
    members = _members(content)
    description = _read_description(members[_DESCRIPTION])
    found = plain(description.family, 40)
    require(description.family == family, f"it must be a model of {family}, found {found}")
    predictor: Predictor = (
        read_ensemble(members[_MODEL], trust)
        if family == ENSEMBLE
        else read_fitted(family, members[_MODEL], trust)
    )
    features = [Feature(**feature.model_dump()) for feature in description.features]
    codebook = of_features(features) if features else description.codebook
    shape = len(codebook.features), len(description.causes)
    told = "the fitted model must have {} features and {} causes, found {} and {}"
    require(predictor.shape == shape, told.format(*shape, *predictor.shape))
    return TunedModel(
        family=family,
        params=description.params,
        causes=tuple(description.causes),
        codebook=codebook,
        data=description.data,
        predictor=predictor,
        csmf_estimator=description.csmf_estimator,
        calibration=_calibration(description),
        residual=description.residual,
    )


def _read_description(content: bytes) -> _Description:
    n_values = content.count(b",") + content.count(b"[") + content.count(b"{")
    small = len(content) <= MOST_DESCRIPTION and n_values <= MOST_VALUES
    require(
        small,
        f"{_DESCRIPTION} must have at most {MOST_DESCRIPTION:,} bytes and {MOST_VALUES:,} values",
    )
    with reading(_DESCRIPTION):
        document = json.loads(content, parse_constant=_no_number)
    try:
        description = _Description.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = plain(".".join(map(str, first["loc"])))
        raise StoreError(
            f"{_DESCRIPTION}: {key}: {plain(first['msg'])}, found {shown(first['input'])}"
        ) from None
    _require_distinct("causes", description.causes)
    _require_distinct("features", [feature.name for feature in description.features])
    _require_distinct("features", [feature.name for feature in description.codebook.features])
    held = description.csmf_estimator.shrinkage
    require(
        held <= MOST_SHRINKAGE,
        f"{_DESCRIPTION}: shrinkage must be at most {MOST_SHRINKAGE:g}, found {held:g}",
    )
    return description


def _require_distinct(key: str, names: Sequence[str]) -> None:
    require(len(set(names)) == len(names), f"{_DESCRIPTION}: {key} must be distinct")


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"numbers must be finite, found {text}")


def _calibration(description: _Description) -> Calibration:
    """Fractions of every cause; no cause may be impossible among the deaths of any."""
    stated, n_causes = description.calibration, len(description.causes)
    rows = [stated.prior, *stated.matrix, stated.training or stated.prior]
    square = len(stated.matrix) == n_causes and all(len(row) == n_causes for row in rows)
    require(
        square,
        f"{_DESCRIPTION}: calibration must have {n_causes} fractions in {n_causes} rows, the prior "
        "and the training CSMF",
    )
    calibration = Calibration.of_record(CalibrationRecord(**stated.model_dump()))
    sums = np.array([sum(row) for row in rows])
    require(
        (np.abs(sums - 1) < 1e-6).all(), f"{_DESCRIPTION}: calibration: fractions must sum to 1"
    )
    for key in ("matrix", "training"):
        possible = (getattr(calibration, key) > _LEAST_LIKELY).all()
        told = f"{_DESCRIPTION}: calibration.{key} must be above {_LEAST_LIKELY:g}"
        require(bool(possible) or not getattr(stated, key), told)
    return calibration
