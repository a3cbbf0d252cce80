"""Loads mutated models and predicts with them.

``python -m tests.unit.mutate_models FAMILY SEED COUNT`` does so in a process that may die, within
limits; the test
reads what it prints. Each mutation follows from the seed and its number alone.
"""

import io
import json
import random
import resource
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tests.unit.mutations import STORED, mutated, raw_bytes
from tuner_job.errors import StoreError
from tuner_job.evaluation.pooling import Pool
from tuner_job.files.arrays import read_zip, write_array, write_zip
from tuner_job.models import ENSEMBLE, FAMILIES
from tuner_job.prediction.ensemble import pack_members
from tuner_job.prediction.tuned_model import fitted_bytes, unpack_model

MOST_SECONDS = 5.0
MOST_BYTES = 500 * 2**20
MOST_CPU = 600


MEMBERS = ("xgboost", "logistic_regression", "random_forest")
"""Of the ensemble."""
PRIOR = np.array([0.4, 0.3, 0.2, 0.1])


def ensemble_of(members: dict[str, bytes], pooled: Pool) -> bytes:
    """An ensemble of fitted models, family → bytes, with what 0.1.0 knew of their data."""
    inside = read_zip((STORED / MEMBERS[0] / "model.bin").read_bytes())
    description = json.loads(inside["description.json"])
    params = dict(zip(members, pooled.exponents.tolist(), strict=True))
    text = json.dumps({**description, "family": ENSEMBLE, "params": params}).encode()
    return write_zip({"description.json": text, "model": pack_members(members, pooled)})


def mutated_ensemble(rng: random.Random) -> tuple[str, bytes]:
    """An ensemble with a member that is mutated, or mutated itself."""
    members = {m: fitted_bytes(rng.choice(originals(m))) for m in MEMBERS}
    exponents = np.array([rng.choice([0.0, 1e-300, 0.3, 1.0, 24.0]) for _ in members])
    whole = ensemble_of(members, Pool(exponents, PRIOR) if exponents.any() else Pool.equal(3, 4))
    parts = read_zip(whole)
    match rng.randrange(4):
        case 0:
            name, whole = "raw_bytes", raw_bytes(whole, rng)
        case 1:
            inside = read_zip(parts["model"])
            drawn = [rng.choice([-1, 0, 0.5, 26, 1e308, np.nan, np.inf]) for _ in range(4)]
            which = rng.choice(["exponents.npy", "prior.npy"])
            inside[which] = write_array(np.array(drawn[: rng.choice([0, 2, 3, 3, 4, 4])]))
            name, whole = "exponents", write_zip({**parts, "model": write_zip(inside)})
        case _:
            family = rng.choice(MEMBERS)
            name, content = mutated(rng.choice(originals(family)), rng)
            with suppress(StoreError):
                members[family] = fitted_bytes(content)
            whole = write_zip(
                {**parts, "model": pack_members(members, Pool(np.full(3, 0.4), PRIOR))}
            )
    return f"{name} of an ensemble", whole


def originals(family: str) -> list[bytes]:
    """The model as version 0.1.0 stored it, if it had the family, and as it is stored now."""
    if family == ENSEMBLE:
        stored = [{m: fitted_bytes(originals(m)[n]) for m in MEMBERS} for n in (0, 1)]
        return [ensemble_of(members, Pool(np.array([0.3, 0.0, 1.2]), PRIOR)) for members in stored]
    if not (STORED / family).exists():
        return [fitted_now(family)]
    first = (STORED / family / "model.bin").read_bytes()
    with zipfile.ZipFile(io.BytesIO(first)) as outer:
        again = FAMILIES[family].from_bytes(outer.read("model")).to_bytes()
        description = json.loads(outer.read("description.json"))
        now = write_zip({"description.json": _with_residual(description), "model": again})
    return [first, now]


def fitted_now(family: str) -> bytes:
    """A model of the deaths that the stored ones know, in the description of one of these."""
    with zipfile.ZipFile(STORED / "xgboost" / "model.bin") as outer:
        description = json.loads(outer.read("description.json"))
    n_features, n_causes = len(description["features"]), len(description["causes"])
    rng = np.random.default_rng(0)
    y = np.arange(120, dtype=np.int32) % n_causes
    X = (rng.random((120, n_features)) < rng.random((n_causes, n_features))[y]).astype(np.float32)
    X[:, 0] = rng.gamma(2.0, 1.0 + y)
    model = FAMILIES[family].fit(X, y, n_causes, {}, seed=0).to_bytes()
    description["family"] = family
    return write_zip({"description.json": _with_residual(description), "model": model})


def _with_residual(description: dict[str, Any]) -> bytes:
    low = [[-3.0, -2.0, -0.5, 0.0], [-2.5, -2.0, -1.0, -0.1]]
    high = [[3.0, 2.0, 1.0, 0.0], [2.5, 2.0, 1.0, 0.1]]
    residual = {
        "variance": [0.5, 1e-4, 0.2, 1e-3, 1e-2, 1e-3, 1e-2],
        "ratios": [1.0, 3.0],
        "tails": [0.005, 0.025, 0.2, 0.5],
        "low": low,
        "high": high,
    }
    return json.dumps({**description, "residual": residual}).encode()


def rows(n_features: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    X = (rng.random((20, n_features)) < 0.5).astype(np.float32)
    X[rng.random(X.shape) < 0.2] = np.nan
    X[0], X[1], X[2], X[3, ::2] = 3e38, -3e38, np.nan, 3e38
    return X


def judge(content: bytes, family: str) -> str:
    """Load and predict: ``refused``, ``accepted``, or what is wrong."""
    try:
        model = unpack_model(content, "results/model.bin", family)
    except StoreError as error:
        message = str(error)
        bounded = (
            message.startswith("results/model.bin: ")
            and message.isprintable()
            and len(message) < 1200
        )
        return (
            "refused"
            if bounded and "MemoryError" not in message
            else f"message: {message[:2000]!r}"
        )
    P = model.predict_proba(rows(len(model.features)))
    for found in (P, model.calibrate(P), model.estimate_csmf(P)[None]):
        if (
            not (found >= 0).all()
            or not np.allclose(found.sum(axis=1), 1, atol=1e-4)
            or found.shape[1] != len(model.causes)
        ):
            return f"no probabilities: {found[:3]}"
    fractions, low, high = model.csmf_interval(P)
    within = (low >= 0) & (low <= fractions) & (fractions <= high) & (high <= 1)
    return "accepted" if within.all() else f"no intervals: {low[:3]}, {high[:3]}"


def run(family: str, seed: int, count: int) -> dict[str, Any]:
    """Judge so many mutations; return how many were refused and accepted, and what was wrong."""
    told: dict[str, Any] = {"refused": 0, "accepted": 0, "wrong": []}
    whole = originals(family)
    assert [judge(content, family) for content in whole] == ["accepted"] * len(whole)
    for number in range(count):
        rng = random.Random(f"{family}/{seed}/{number}")
        is_pool = family == ENSEMBLE
        name, content = mutated_ensemble(rng) if is_pool else mutated(rng.choice(whole), rng)
        print(number, name, file=sys.stderr, flush=True)
        before, started = memory(), time.process_time()
        try:
            verdict = judge(content, family)
        except Exception as error:
            verdict = f"{type(error).__name__}: {str(error)[:500]}"
        seconds, grown = time.process_time() - started, most_memory() - before
        if seconds > MOST_SECONDS or grown > MOST_BYTES:
            verdict += f" after {seconds:.1f} s with {grown / 2**20:.0f} MiB more"
        if verdict in ("refused", "accepted"):
            told[verdict] += 1
        else:
            told["wrong"].append(f"{family}/{seed}/{number} {name}: {verdict}")
    return told


def memory() -> int:
    """Memory now, in bytes; where Linux allows it, `most_memory` counts from here."""
    status, refs = Path("/proc/self/statm"), Path("/proc/self/clear_refs")
    if not status.exists():
        return most_memory()
    refs.write_text("5")
    return int(status.read_text().split()[1]) * resource.getpagesize()


def most_memory() -> int:
    """Most memory so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU, MOST_CPU))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
