import numpy as np
import pytest

from tests.unit.evaluation.populations import draw
from tuner_job.evaluation.calibration import Calibration

K = 4


def log_loss(y: np.ndarray, P: np.ndarray) -> float:
    return -float(np.log(P[np.arange(len(y)), y]).mean())


@pytest.mark.parametrize("power", [0.4, 1.0, 2.5])
def test_the_temperature_undoes_what_made_a_model_too_sure_or_too_unsure(power: float) -> None:
    y, P = draw(4_000, K, 1, sharpness=1.0)
    distorted = P**power / (P**power).sum(axis=1, keepdims=True)
    calibration = Calibration.fit(y, distorted)
    assert calibration.temperature == pytest.approx(power, rel=0.06)
    assert log_loss(y, calibration.apply(distorted)) <= log_loss(y, distorted)


def test_calibrated_probabilities_keep_the_order_of_causes_and_are_never_0() -> None:
    y, P = draw(200, K, 2)
    P[0] = np.eye(K)[2]
    Q = Calibration.fit(y, P).apply(P)
    np.testing.assert_allclose(Q.sum(axis=1), 1)
    assert (Q > 0).all()
    assert (Q.argmax(axis=1) == P.argmax(axis=1)).all()


def test_each_cause_has_a_row_of_the_matrix_also_one_without_deaths() -> None:
    y, P = draw(300, K, 3)
    seen = y != 3
    calibration = Calibration.fit(y[seen], P[seen])
    np.testing.assert_allclose(calibration.matrix.sum(axis=1), 1)
    np.testing.assert_allclose(calibration.matrix[3], calibration.prior)
    assert (calibration.matrix[:3].argmax(axis=1) == np.arange(3)).all()


def test_it_survives_a_record() -> None:
    y, P = draw(100, K, 4)
    one = Calibration.fit(y, P)
    again = Calibration.of_record(one.record())
    np.testing.assert_array_equal(again.apply(P), one.apply(P))
    np.testing.assert_array_equal(again.matrix, one.matrix)
