"""Tuned models as files, and predicting with them."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.data import encode_rows
from tuner_job.data.config import DataConfig
from tuner_job.data.dataset import Feature, VaDataset
from tuner_job.errors import StoreError
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import CsmfEstimator, adjust, estimate
from tuner_job.models import FAMILIES
from tuner_job.models.base import Predictor
from tuner_job.results.choose import choose_model
from tuner_job.results.commits import Commits
from tuner_job.results.damage import Damage, DamagedError
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.records import StudySummary
from tuner_job.results.store import read_bytes


@dataclass(frozen=True)
class TunedModel:
    """A fitted model with what it takes to use it on new data."""

    family: str
    params: Mapping[str, Any]
    causes: tuple[str, ...]
    features: tuple[Feature, ...]
    data: DataConfig
    """How its training data was read."""
    predictor: Predictor
    csmf_estimator: CsmfEstimator
    """How a CSMF is best made of its probabilities, under the protocol that it was tuned for."""
    calibration: Calibration

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """The model's own probabilities (n_rows, n_causes) for encoded rows (n_rows, n_features)."""
        return self.predictor.predict_proba(X)

    def estimate_csmf(self, P: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """CSMF (n_causes,) of the deaths with these probabilities (n_rows, n_causes), taken together."""
        found = estimate([self.csmf_estimator], P, np.ones((1, len(P))), self.calibration)
        return np.asarray(found[0, 0])

    def calibrate(self, P: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Calibrated probabilities (n_rows, n_causes).

        They are adjusted to the estimated CSMF too, if the CSMF estimator takes the composition to differ from
        training.
        """
        Q = self.calibration.apply(P)
        if not self.csmf_estimator.needs_calibration:
            return Q
        return adjust(Q, self.calibration.prior, self.estimate_csmf(P))

    def encode(self, source: str, say: Callable[[str], None] = lambda note: None) -> NDArray[np.float32]:
        """Read and encode new deaths, coded like the training data, from a path or URL.

        Parameters
        ----------
        say
            Told what was found and handled, one sentence each: cells that could not be read, for example.

        Raises
        ------
        DataError, StoreError
        """
        return encode_rows(self.data.model_copy(update={"source": source}), self.features, read_bytes, say)


def pack_model(family: str, dataset: VaDataset, data: DataConfig, summary: StudySummary, fitted: bytes) -> bytes:
    """Put a fitted model and what it takes to use it in one zip file."""
    description = {
        "family": family,
        "params": dict(summary.best.params),
        "causes": dataset.causes,
        "features": [asdict(feature) for feature in dataset.features],
        "data": data.model_dump(mode="json"),
        "csmf_estimator": summary.best.csmf_estimator.model_dump(),
        "calibration": summary.calibration and summary.calibration.model_dump(),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("description.json", json.dumps(description))
        archive.writestr("model", fitted)
    return buffer.getvalue()


def load_model(store: ExperimentStore, model: str | None = None) -> TunedModel:
    """Load the tuned model of a finished experiment.

    Parameters
    ----------
    model
        Its family; None if the experiment tuned only one.

    Raises
    ------
    StoreError
        There is none, it is not clear which one, or it is not the one that was committed.
    """
    model = choose_model(store, model)
    commit = Commits(store.store, store.experiment, model).newest()
    if commit is None:
        raise StoreError(f"{store.url}/{model}: has no model yet: its search has not finished")
    content = store.committed_model(model, commit.summary)
    if isinstance(content, Damage):
        raise DamagedError(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        description = json.loads(archive.read("description.json"))
        predictor = FAMILIES[description["family"]].from_bytes(archive.read("model"))
    calibration = description["calibration"]
    return TunedModel(
        family=description["family"],
        params=description["params"],
        causes=tuple(description["causes"]),
        features=tuple(Feature(**feature) for feature in description["features"]),
        data=DataConfig.model_validate(description["data"]),
        predictor=predictor,
        csmf_estimator=CsmfEstimator.model_validate(description["csmf_estimator"]),
        calibration=Calibration.of_lists(**calibration),
    )
