"""Kept estimators: what may run when one is loaded, whoever wrote it."""

import io
import json
import os
import pickle
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.unit.models.test_estimators import BOOSTING, FOREST, LIGHT, recipe
from tuner_job.errors import ConfigError, StoreError
from tuner_job.models.archive import pack, unpack
from tuner_job.models.estimators.family import EstimatorFamily
from tuner_job.models.estimators.kept import read_kept
from tuner_job.models.estimators.making import Recipe
from tuner_job.models.estimators.trust import Trust, UntrustedError, trusting
from tuner_job.own_code.importing import provide
from tuner_job.testing import N_CLASSES, make_fold

SLOTTED = """
from sklearn.naive_bayes import BernoulliNB

class Inner:
    __slots__ = ("n",)
    def __init__(self, n):
        self.n = n

class Own(BernoulliNB):
    def fit(self, X, y):
        self.inner_ = Inner(3)
        return super().fit(X, y)
    def predict_proba(self, X):
        assert self.inner_.n == 3
        return super().predict_proba(X)
"""


def kept(made: Recipe) -> bytes:
    fold = make_fold()
    family = EstimatorFamily("own", made)
    return family.fit(fold.X_train, fold.y_train, N_CLASSES, {}, 0).to_bytes()


@pytest.fixture(scope="module")
def pipeline() -> bytes:
    return kept(recipe("sklearn.preprocessing.Binarizer", "sklearn.naive_bayes.BernoulliNB"))


def changed(content: bytes, kind: str, inner: bytes) -> bytes:
    """The same model with another estimator in it."""
    arrays = unpack("own", content)
    arrays |= {
        "kind": np.array(kind),
        "content": np.frombuffer(zlib.compress(inner), np.uint8),
    }
    return pack("own", arrays)


def kind_of(content: bytes) -> str:
    return str(unpack("own", content)["kind"])


def test_what_skops_trusts_needs_nothing(pipeline: bytes) -> None:
    assert kind_of(pipeline) == "skops"
    P = read_kept("own", pipeline, Trust()).predict_proba(make_fold().X_validation)
    np.testing.assert_allclose(P.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("made", "modules"),
    [
        (recipe(LIGHT, verbose=-1, n_estimators=2), ["lightgbm"]),
        (recipe(FOREST, n_estimators=2), ["sklearn.tree._tree"]),
        (
            recipe(BOOSTING, max_iter=2),
            ["sklearn.ensemble._hist_gradient_boosting.predictor"],
        ),
    ],
)
def test_other_code_is_named_and_runs_once_it_is_trusted(made: Recipe, modules: list[str]) -> None:
    content = kept(made)
    with pytest.raises(UntrustedError) as caught:
        read_kept("own", content, Trust())
    assert list(caught.value.modules) == modules
    assert f"add --trust {modules[0]} (in Python: trust={modules})" in str(caught.value)
    for trusted in (modules, [modules[0].partition(".")[0]]):
        read_kept("own", content, trusting(trusted))
    with pytest.raises(UntrustedError):
        read_kept("own", content, trusting(["lightgb", "sklearn.tree._tre", "skl"]))


def test_a_pickle_is_one_that_skops_could_not_keep_and_is_read_only_if_allowed() -> None:
    content = kept(Recipe(("va_slotted:Own",), {}, None, {"va_slotted": SLOTTED}))
    assert kind_of(content) == "pickle"
    with pytest.raises(UntrustedError, match=r"add --allow-pickle \(in Python: allow_pickle=True"):
        read_kept("own", content, trusting(["va_slotted"]))
    provide({"va_slotted": SLOTTED})
    again = read_kept("own", content, trusting(allow_pickle=True))
    assert again.predict_proba(make_fold().X_validation).shape == (40, N_CLASSES)
    assert again.to_bytes() == content


class Hostile:
    """A pickle that makes a folder when it is read."""

    def __init__(self, path: Path):
        self._path = path

    def __reduce__(self) -> object:
        return os.mkdir, (str(self._path),)


def hostile_skops(path: Path) -> bytes:
    """A skops file that makes a folder when it is read."""
    from skops.io import dumps

    with zipfile.ZipFile(io.BytesIO(dumps((str(path),)))) as archive:
        arguments = json.loads(archive.read("schema.json"))
    state = {
        "__class__": "mkdir",
        "__module__": "os",
        "__loader__": "ConstructorFromReduceNode",
        "content": arguments,
        "protocol": arguments["protocol"],
        "_skops_version": arguments["_skops_version"],
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", json.dumps(state))
    return buffer.getvalue()


@pytest.mark.parametrize("trust", [Trust(), trusting(["sklearn", "lightgbm"])])
def test_nothing_of_a_hostile_file_runs(pipeline: bytes, tmp_path: Path, trust: Trust) -> None:
    made = tmp_path / "made"
    files = {"skops": hostile_skops(made), "pickle": pickle.dumps(Hostile(made))}
    for kind, inner in files.items():
        with pytest.raises(UntrustedError):
            read_kept("own", changed(pipeline, kind, inner), trust)
        assert not made.exists()
    # They would: each of them makes the folder once it is trusted.
    for kind, inner in files.items():
        with pytest.raises(StoreError):
            read_kept("own", changed(pipeline, kind, inner), Trust(("os",), pickle=True))
        made.rmdir()


@pytest.mark.parametrize(
    ("kind", "inner"),
    [("skops", b""), ("skops", b"PK nothing"), ("skops", pickle.dumps(3)), ("other", b"x")],
)
def test_what_is_malformed_is_refused(pipeline: bytes, kind: str, inner: bytes) -> None:
    with pytest.raises(StoreError):
        read_kept("own", changed(pipeline, kind, inner), Trust(pickle=True))


def test_what_is_no_estimator_is_refused(pipeline: bytes) -> None:
    for inner in (pickle.dumps({"a": 1}), pickle.dumps(3)[:-2]):
        with pytest.raises(StoreError):
            read_kept("own", changed(pipeline, "pickle", inner), Trust(pickle=True))


def test_it_unpacks_within_bounds(pipeline: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner_job.models.estimators.kept._FREE_BYTES", 1 << 20)
    bomb = changed(pipeline, "skops", b"\0" * (1 << 26))
    with pytest.raises(StoreError, match="must unpack to at most"):
        read_kept("own", bomb, Trust())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b"\0" * (1 << 24))
    with pytest.raises(StoreError, match="must unpack to at most"):
        read_kept("own", changed(pipeline, "skops", buffer.getvalue()), Trust())


def test_an_own_module_comes_from_the_folder_of_whoever_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from sklearn.naive_bayes import BernoulliNB\nclass Own(BernoulliNB):\n    pass\n"
    content = kept(Recipe(("va_mine:Own",), {}, None, {"va_mine": text}))
    from tuner_job.own_code.importing import forget

    forget()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="needs the module va_mine, which is not installed here"):
        read_kept("own", content, trusting(["va_mine"]))
    (tmp_path / "va_mine.py").write_text(text)
    assert read_kept("own", content, trusting(["va_mine"])).shape == (11, N_CLASSES)


@pytest.mark.parametrize("name", ["", "a b", "../x", "a..b", "--all", 3])
def test_only_modules_can_be_trusted(name: object) -> None:
    with pytest.raises(ConfigError, match="trust: must name modules"):
        trusting([name])  # type: ignore[list-item]
