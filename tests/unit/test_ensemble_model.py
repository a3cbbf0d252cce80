"""An ensemble as one object: its members' bytes and their exponents, read as a stranger's."""

import json

import numpy as np
import pytest

from tests.unit.mutate_models import MEMBERS, ensemble_of, originals, rows
from tuner_job.errors import StoreError
from tuner_job.evaluation.pooling import Pool
from tuner_job.files.arrays import read_zip, write_array, write_zip
from tuner_job.prediction.ensemble import pack_members, read_ensemble
from tuner_job.prediction.tuned_model import fitted_bytes, unpack_model

EXPONENTS = np.array([0.25, 0.5, 0.75])
POOL = Pool(EXPONENTS, np.array([0.4, 0.3, 0.2, 0.1]))


def fitted() -> dict[str, bytes]:
    """Families in an order of their own, so that one is seen to be kept."""
    return {family: fitted_bytes(originals(family)[1]) for family in MEMBERS}


def test_it_predicts_what_its_members_pooled_say() -> None:
    model = unpack_model(ensemble_of(fitted(), POOL), "here", "ensemble")
    X = rows(len(model.features))
    alone = [unpack_model(originals(m)[1], "here", m).predict_proba(X) for m in MEMBERS]
    np.testing.assert_allclose(model.predict_proba(X), POOL.apply(alone), rtol=1e-12)
    assert model.params == dict(zip(MEMBERS, EXPONENTS, strict=True))


def test_the_same_members_give_the_same_bytes_in_any_order() -> None:
    one = pack_members(fitted(), POOL)
    turned = dict(reversed(fitted().items()))
    assert one == pack_members(turned, Pool(EXPONENTS[::-1], POOL.prior))
    assert read_ensemble(one).to_bytes() == one


def changed(**members: bytes | None) -> bytes:
    whole = {**read_zip(pack_members(fitted(), POOL)), **members}
    return write_zip({name: content for name, content in whole.items() if content is not None})


def exponents(*values: float, dtype: str = "f8") -> bytes:
    return changed(**{"exponents.npy": write_array(np.array(values, dtype=dtype))})


def prior(*values: float) -> bytes:
    return changed(**{"prior.npy": write_array(np.array(values))})


ALONE = {"exponents.npy": write_array(np.array([1.0])), "random_forest": None, "xgboost": None}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "zip file cannot be read"),
        (pack_members(fitted(), POOL)[:-50], "exponents must be an array of numbers"),
        (changed(**{"exponents.npy": None}), "exponents must be an array of numbers"),
        (exponents(1.0, 1.0), "exponents must be 3 numbers"),
        (exponents(1, 1, 1, dtype="i8"), "exponents must be a row of numbers"),
        (changed(**{"prior.npy": None}), "prior must be an array of numbers"),
        (prior(0.5, 0.5), "prior must be 4 fractions above 0"),
        (prior(0.5, 0.5, 0.0, 0.0), "prior must be 4 fractions above 0"),
        (prior(0.5, 0.5, 0.5, 0.5), "prior must be 4 fractions above 0 that sum to 1"),
        (prior(0.5, 0.5, np.nan, 0.1), "prior must be 4 fractions above 0"),
        (exponents(1.0, np.nan, 1.0), "exponents must lie in 0 … 25"),
        (exponents(1.0, -0.1, 1.0), "exponents must lie in 0 … 25"),
        (exponents(1.0, 1e9, 1.0), "exponents must lie in 0 … 25"),
        (exponents(0.0, 0.0, 0.0), "one of them above 0"),
        (changed(**ALONE), "must be of two or more of .*, found logistic_regression"),
        (changed(xgboost=None, nothing=b"x"), "its member nothing: the zip file cannot be read"),
        (changed(xgboost=None, ensemble=b"x"), "must be of two or more of"),
        (changed(xgboost=fitted()["random_forest"]), "its member xgboost: the model must be"),
        (changed(xgboost=b""), "its member xgboost: the zip file cannot be read"),
    ],
)
def test_what_is_no_ensemble_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(StoreError, match=told):
        read_ensemble(content)


def test_members_must_have_the_same_causes() -> None:
    from tuner_job.models import FAMILIES

    X, y = rows(10), np.arange(20, dtype=np.int32) % 3
    other = FAMILIES["logistic_regression"].fit(X, y, 3, {"C": 1.0}, seed=0)
    with pytest.raises(StoreError, match="must have the same features and causes"):
        read_ensemble(changed(logistic_regression=other.to_bytes()))


def test_an_ensemble_is_no_other_model() -> None:
    content = ensemble_of(fitted(), POOL)
    with pytest.raises(StoreError, match="it must be a model of xgboost, found ensemble"):
        unpack_model(content, "here", "xgboost")
    description = json.loads(read_zip(content)["description.json"])
    assert description["family"] == "ensemble"
