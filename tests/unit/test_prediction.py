"""What a tuned model says of new deaths."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.evaluation.populations import draw, posterior
from tuner_job.data.config import DataConfig
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import ESTIMATORS, CsmfEstimator, candidates
from tuner_job.prediction.predict import TunedModel

TRAINED = np.array([0.5, 0.3, 0.15, 0.05])


class Told:
    """A predictor whose rows are its probabilities."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return X

    def to_bytes(self) -> bytes:
        return b""


def model(estimator: CsmfEstimator) -> TunedModel:
    calibration = Calibration.fit(*draw(4_000, 4, 1, TRAINED))
    data = DataConfig.model_validate({"format": "synthetic"})
    return TunedModel("told", {}, tuple("abcd"), (), data, Told(), estimator, calibration)


def shifted(n_rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Deaths whose causes are composed the other way round."""
    rng = np.random.default_rng(2)
    y = rng.choice(4, n_rows, p=TRAINED[::-1])
    return y, posterior(y, TRAINED, rng)


@pytest.mark.parametrize("estimator", candidates(ESTIMATORS), ids=str)
def test_calibrated_rows_and_the_csmf_sum_to_1(estimator: CsmfEstimator) -> None:
    tuned = model(estimator)
    for P in (shifted()[1], shifted(1)[1], shifted()[1].astype(np.float32), np.eye(4)):
        calibrated, fractions = tuned.calibrate(P), tuned.estimate_csmf(P)
        assert calibrated.shape == P.shape
        assert (calibrated >= 0).all()
        np.testing.assert_allclose(calibrated.sum(axis=1), 1, rtol=1e-6)
        assert fractions.sum() == pytest.approx(1, rel=1e-6)


def test_an_estimator_that_infers_the_composition_also_moves_single_deaths() -> None:
    y, P = shifted()
    adjusted, plain = (model(CsmfEstimator(method=method)) for method in ("em", "mean"))
    np.testing.assert_allclose(plain.calibrate(P), plain.calibration.apply(P))
    assert (adjusted.calibrate(P).argmax(axis=1) == y).mean() > (
        plain.calibrate(P).argmax(axis=1) == y
    ).mean()
    true = np.bincount(y, minlength=4) / len(y)
    assert (
        np.abs(adjusted.estimate_csmf(P) - true).sum() < np.abs(plain.estimate_csmf(P) - true).sum()
    )


def test_a_temperature_other_than_1_changes_how_sure_it_is() -> None:
    tuned = model(CsmfEstimator(method="mean"))
    _, P = shifted()
    flat = replace(tuned, calibration=replace(tuned.calibration, temperature=3.0))
    assert flat.calibrate(P).max(axis=1).mean() < tuned.calibrate(P).max(axis=1).mean()
    np.testing.assert_array_equal(flat.predict_proba(P), P)
