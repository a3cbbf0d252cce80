"""A model object is read as it was written, and as a stranger's."""

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.mutate_models import originals, rows
from tests.unit.mutations import STORED
from tuner_job.data.config import DataConfig
from tuner_job.data.dataset import Feature, VaDataset
from tuner_job.errors import ConfigError, StoreError
from tuner_job.files.arrays import MOST_MEMBERS, read_arrays, read_zip, write_arrays, write_zip
from tuner_job.models import FAMILIES, MODELS
from tuner_job.models.archive import pack
from tuner_job.prediction.tuned_model import pack_model, unpack_model
from tuner_job.records import StudySummary

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("VA_TUNING_MUTATIONS", "100"))
"""Of each family."""
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("family", MODELS)
def test_a_mutated_model_is_refused_or_gives_probabilities(family: str) -> None:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.unit.mutate_models",
        family,
        "0",
        str(COUNT),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"died at {done.stderr[-500:]}"
    told = json.loads(done.stdout)
    assert told["wrong"] == []
    assert told["refused"] > told["accepted"] > 0
    assert told["refused"] + told["accepted"] == COUNT


@pytest.mark.parametrize("family", [name for name in FAMILIES if (STORED / name).exists()])
def test_what_0_1_0_stored_predicts_as_it_did(family: str) -> None:
    before, now = (unpack_model(content, "here", family) for content in originals(family))
    table = STORED.parent / f"predictions-{family}.csv"
    told = np.genfromtxt(table, delimiter=",", skip_header=1)[:, 2:]
    deaths = before.encode(str(STORED.parent / "deaths.csv"))[: len(told)]
    np.testing.assert_allclose(before.calibrate(before.predict_proba(deaths)), told, atol=5.1e-7)
    X = rows(len(before.features))
    np.testing.assert_array_equal(before.predict_proba(X), now.predict_proba(X))


def test_xgboost_s_own_document_predicts_what_its_arrays_do() -> None:
    import xgboost

    with (
        zipfile.ZipFile(STORED / "xgboost" / "model.bin") as outer,
        np.load(io.BytesIO(outer.read("model"))) as arrays,
    ):
        booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(arrays["booster"].tobytes()))
    for content in originals("xgboost"):
        model = unpack_model(content, "here", "xgboost")
        X = rows(len(model.features))
        np.testing.assert_array_equal(model.predict_proba(X), booster.predict(xgboost.DMatrix(X)))


def _packed(monkeypatch: pytest.MonkeyPatch, now: float) -> bytes:
    monkeypatch.setattr(time, "time", lambda: now)
    best = json.loads((STORED / "xgboost" / "best.json").read_text())
    model = unpack_model((STORED / "xgboost" / "model.bin").read_bytes(), "here", "xgboost")
    X, y = rows(len(model.features)), np.zeros(20, np.int32)
    dataset = VaDataset(X, y, y, model.causes, ("all",), model.features)
    summary = StudySummary.model_validate(best["summary"])
    return pack_model("xgboost", dataset, model.data, summary, model.predictor.to_bytes())


def test_the_same_model_gives_the_same_bytes_whatever_the_clock_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_1970, now = _packed(monkeypatch, 0.0), _packed(monkeypatch, 1_900_000_000.0)
    assert in_1970 == now
    again = unpack_model(now, "here", "xgboost")
    assert isinstance(again.data, DataConfig)
    assert isinstance(again.features[0], Feature)
    assert write_zip({"b": b"1", "a": b"2"}) == write_zip({"a": b"2", "b": b"1"})


def test_a_refusal_names_the_object_and_what_must_hold() -> None:
    content = (STORED / "xgboost" / "model.bin").read_bytes()
    with pytest.raises(
        StoreError,
        match=r"^s3://b/model.bin: cannot be used as a model: it must be a model of random",
    ):
        unpack_model(content, "s3://b/model.bin", "random_forest")


def _with(description: dict[str, Any]) -> bytes:
    with zipfile.ZipFile(STORED / "xgboost" / "model.bin") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    document = {**json.loads(parts["description.json"]), **description}
    return write_zip({**parts, "description.json": json.dumps(document).encode()})


def _calibration(
    temperature: float, prior: list[float], matrix: list[list[float]]
) -> dict[str, Any]:
    return {"calibration": {"temperature": temperature, "prior": prior, "matrix": matrix}}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"causes": ["a", "b", "c"]}, "10 features and 3 causes, found 10 and 4"),
        ({"causes": ["a", "b", "c", "c"]}, "causes must be distinct"),
        ({"features": []}, "0 features and 4 causes, found 10 and 4"),
        ({"csmf_estimator": {"method": "em", "shrinkage": 1e300}}, "shrinkage must be at most"),
        ({"calibration": None}, "calibration: .*valid dictionary"),
        (
            {"calibration": {"temperature": float("nan"), "prior": [], "matrix": []}},
            "numbers must be finite, found NaN",
        ),
        (_calibration(1, [1, 0, 0], []), "must have 4 fractions in 4 rows"),
        (
            {
                "calibration": {
                    "temperature": 1,
                    "prior": [1, 0, 0, 0],
                    "matrix": [[1, 0, 0, 0]] * 4,
                }
            },
            "matrix must be above",
        ),
        (_calibration(1, [0.5] * 4, [[0.25] * 4] * 4), "must sum to 1"),
    ],
)
def test_a_description_must_fit_the_model(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(StoreError, match=told):
        unpack_model(_with(changed), "here", "xgboost")


def _residual(**changed: Any) -> dict[str, Any]:
    residual = {
        "variance": [1.0] + [0.0] * 6,
        "ratios": [1.0, 2.0],
        "tails": [0.025, 0.5],
        "low": [[-2.0, 0.0]] * 2,
        "high": [[2.0, 0.0]] * 2,
    }
    return {"residual": residual | changed}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"variance": [1.0]}, "residual.variance: .*at least 7 items"),
        ({"variance": [-1.0] * 7}, "residual.variance.0: .*greater than or equal to 0"),
        ({"variance": [1e300] * 7}, "residual.variance.0: .*less than or equal to"),
        ({"tails": [0.5, 0.025]}, "ratios and tails must rise"),
        ({"ratios": [2.0, 1.0]}, "ratios and tails must rise"),
        ({"ratios": [1.0]}, "low must have 1 rows of 2 quantiles"),
        ({"high": [[2.0, 0.0], [2.0]]}, "high must have 2 rows of 2 quantiles"),
        ({"low": [[0.0, -2.0]] * 2}, "quantiles must rise to at most 0 in low"),
        ({"high": [[2.0, -0.1]] * 2}, "fall to at least 0 in high"),
        ({"low": [[float("nan"), 0.0]] * 2}, "numbers must be finite, found NaN"),
        ({"more": 1}, "residual.more: "),
    ],
)
def test_what_intervals_are_made_of_is_held_to_sense(changed: dict[str, Any], told: str) -> None:
    assert unpack_model(_with(_residual()), "here", "xgboost").residual is not None
    with pytest.raises(StoreError, match=told):
        unpack_model(_with(_residual(**changed)), "here", "xgboost")


def test_a_model_without_residuals_has_intervals_of_resampling_alone() -> None:
    older = unpack_model((STORED / "xgboost" / "model.bin").read_bytes(), "here", "xgboost")
    newer = unpack_model(_with(_residual()), "here", "xgboost")
    assert older.residual is None
    P = older.predict_proba(rows(len(older.features)))
    for model in (older, newer):
        fractions, low, high = model.csmf_interval(P)
        np.testing.assert_array_equal(fractions, model.estimate_csmf(P))
        assert ((low <= fractions) & (fractions <= high) & (low < high)).all()
        narrower = model.csmf_interval(P, level=0.8)
        assert (narrower[1] >= low).all()
        assert (narrower[2] <= high).all()


def _directory(name: bytes, field: int, value: bytes, content: bytes) -> bytes:
    """Change a field of a member's entry in the directory of a zip file."""
    entry = content.index(b"PK\x01\x02")
    assert content[entry + 46 : entry + 46 + len(name)] == name
    return content[: entry + field] + value + content[entry + field + len(value) :]


def test_zip_files_are_bounded_before_they_are_unpacked() -> None:
    bomb = write_zip({"a": bytes(100_000_000)})
    assert len(bomb) < 200_000
    with pytest.raises(StoreError, match=r"must unpack to at most .*, found 100,000,000"):
        read_zip(bomb)
    short = _directory(b"a", 24, (10).to_bytes(4, "little"), bomb)  # states 10 bytes, has more
    with pytest.raises(StoreError, match="zip file"):
        read_zip(short)
    long = _directory(b"a", 24, (50).to_bytes(4, "little"), write_zip({"a": b"x" * 40}))
    with pytest.raises(StoreError):
        read_zip(long)
    encrypted = _directory(b"a", 8, b"\x01\x00", write_zip({"a": b"x"}))
    with pytest.raises(StoreError, match="not encrypted"):
        read_zip(encrypted)
    with pytest.raises(StoreError, match=f"at most {MOST_MEMBERS} members"):
        read_zip(write_zip({f"m{i}": b"" for i in range(MOST_MEMBERS + 1)}))
    twice = io.BytesIO(write_zip({"a": b""}))
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a", b"other")
    with pytest.raises(StoreError, match="each member once"):
        read_zip(twice.getvalue())


def test_arrays_come_back_and_nothing_else_is_read() -> None:
    arrays = {
        "numbers": np.arange(6.0).reshape(2, 3),
        "columns_first": np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
        "truth": np.array([True, False]),
        "none": np.zeros((0, 3), np.float32),
        "scalar": np.array(7, np.int64),
        "text": np.array("multinomial"),
    }
    found = read_arrays(write_arrays(arrays))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    np.testing.assert_array_equal(
        read_arrays(buffer.getvalue())["columns_first"], arrays["columns_first"]
    )
    for bad in (
        np.array({"an": "object"}, dtype=object),
        np.array(["a", "b"]),
        np.zeros(3, "c16"),
        np.zeros(2, ">i4"),
    ):
        buffer = io.BytesIO()
        np.save(buffer, bad, allow_pickle=True)
        with pytest.raises(StoreError, match="a must be"):
            read_arrays(write_zip({"a.npy": buffer.getvalue()}))


def test_truth_values_are_0_or_1() -> None:
    content = write_arrays({"a": np.array([True])})
    npy = zipfile.ZipFile(io.BytesIO(content)).read("a.npy")
    with pytest.raises(StoreError, match="a must be true or false"):
        read_arrays(write_zip({"a.npy": npy[:-1] + b"\x02"}))


def _arrays(family: str) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(originals(family)[-1])) as archive:
        arrays = read_arrays(archive.read("model"))
    return {name: array for name, array in arrays.items() if name not in ("format", "family")}


TREES = [
    ("left", 0, 0, "leaf must be its own child"),
    ("left", 1, 0, "children must come after"),
    ("right", 0, 2**31 - 1, "children must come after"),
    ("roots", 1, 0, "roots must ascend"),
    ("feature", 0, 10, r"feature must lie in 0 … 9"),
    ("threshold", 0, np.nan, "threshold must be a number"),
    ("codes", 0, 3, "codes must ascend"),
    ("shape", 1, 10**9, "1 to 10,000 causes"),
    ("shape", 0, -1, "1 to 1,000,000 features"),
]
OTHERS = [
    ("random_forest", "data", 0, -0.5, "data must be 0 or more"),
    ("random_forest", "data", 0, 7.0, "sum to 1"),
    ("random_forest", "indices", 0, 4, "indices must lie in 0 … 3"),
    ("random_forest", "indptr", 1, 10**6, "indptr must"),
    ("xgboost", "threshold", -1, 3e38, "margins must be less"),
    ("xgboost", "base", 0, np.inf, "margins must be less"),
    ("logistic_regression", "weights", (0, 0), 1e300, "weights must lie within"),
    ("logistic_regression", "weights", (0, 0), np.nan, "weights must lie within"),
    ("logistic_regression", "scale", 0, 0.0, "scale above 0"),
    ("logistic_regression", "kept", 0, 99, "kept must lie in 0 … 9"),
    ("logistic_regression", "n_classes", (), -4, "1 to 10,000 causes"),
    ("naive_bayes", "weights", (0, 0), 1e300, "weights and prior must lie within"),
    ("naive_bayes", "weights", (0, 0), np.nan, "weights and prior must lie within"),
    ("naive_bayes", "prior", 0, -np.inf, "weights and prior must lie within"),
    ("naive_bayes", "power", (), 0.0, "power must be above 0 and at most 1"),
    ("naive_bayes", "power", (), np.nan, "power must be above 0 and at most 1"),
    ("naive_bayes", "columns", 0, 5, "columns must ascend"),
    ("naive_bayes", "columns", -1, 10, r"columns must lie in 0 … 9"),
    ("naive_bayes", "owners", 0, 1, "owners must ascend, from 0 to 9"),
    ("naive_bayes", "owners", -1, 2**31 - 1, "owners must ascend, from 0 to 9"),
    ("naive_bayes", "edges", 1, -1.0, "edges must ascend within an item"),
    ("naive_bayes", "edges", 0, np.nan, "edges must ascend within an item"),
    ("naive_bayes", "shape", 1, 10**9, "1 to 10,000 causes"),
    ("naive_bayes", "codes", 0, 3, "codes must ascend"),
]


@pytest.mark.parametrize(
    ("family", "name", "at", "value", "told"),
    [(family, *case) for family in ("random_forest", "xgboost") for case in TREES] + OTHERS,
)
def test_arrays_must_be_a_model(family: str, name: str, at: Any, value: float, told: str) -> None:
    arrays = _arrays(family)
    arrays[name][at] = value
    with pytest.raises(StoreError, match=told):
        FAMILIES[family].from_bytes(pack(family, arrays))


@pytest.mark.parametrize("name", ["edges", "owners", "prior", "weights", "codes"])
def test_arrays_of_naive_bayes_must_have_one_length(name: str) -> None:
    arrays = _arrays("naive_bayes")
    arrays[name] = arrays[name][:-1]
    with pytest.raises(StoreError, match="must "):
        FAMILIES["naive_bayes"].from_bytes(pack("naive_bayes", arrays))


def test_a_node_has_one_parent() -> None:
    arrays = _arrays("random_forest")
    inner = np.flatnonzero(arrays["left"] != np.arange(len(arrays["left"])))[0]
    arrays["right"][inner] = arrays["left"][inner]
    with pytest.raises(StoreError, match="one parent"):
        FAMILIES["random_forest"].from_bytes(pack("random_forest", arrays))


def test_arrays_that_deflate_too_well_to_be_read_are_stored() -> None:
    zeros = np.zeros(20_000_000)
    np.testing.assert_array_equal(read_arrays(write_arrays({"zeros": zeros}))["zeros"], zeros)


def test_more_trees_than_a_model_may_have_are_refused_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for family in ("xgboost", "random_forest"):
        with pytest.raises(
            ConfigError, match="n_estimators: input should be less than or equal to 75000"
        ):
            FAMILIES[family].complexity({"n_estimators": 75_001})
    monkeypatch.setattr("tuner_job.models.boosting.MOST_TREES", 7)
    X, y = rows(3), np.arange(20, dtype=np.int32) % 4
    with pytest.raises(ConfigError, match="n_estimators × causes must be at most 7, found 8"):
        FAMILIES["xgboost"].fit(X, y, 4, {"n_estimators": 2}, seed=0)
