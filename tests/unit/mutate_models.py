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
from pathlib import Path
from typing import Any

import numpy as np

from tests.unit.mutations import STORED, mutated
from tuner_job.errors import StoreError
from tuner_job.files.arrays import write_zip
from tuner_job.models import FAMILIES
from tuner_job.prediction.tuned_model import unpack_model

MOST_SECONDS = 5.0
MOST_BYTES = 500 * 2**20
MOST_CPU = 600


def originals(family: str) -> list[bytes]:
    """The model as version 0.1.0 stored it, and as it is stored now."""
    first = (STORED / family / "model.bin").read_bytes()
    with zipfile.ZipFile(io.BytesIO(first)) as outer:
        again = FAMILIES[family].from_bytes(outer.read("model")).to_bytes()
        now = write_zip({"description.json": outer.read("description.json"), "model": again})
    return [first, now]


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
    return "accepted"


def run(family: str, seed: int, count: int) -> dict[str, Any]:
    """Judge so many mutations; return how many were refused and accepted, and what was wrong."""
    told: dict[str, Any] = {"refused": 0, "accepted": 0, "wrong": []}
    whole = originals(family)
    assert [judge(content, family) for content in whole] == ["accepted"] * len(whole)
    for number in range(count):
        rng = random.Random(f"{family}/{seed}/{number}")
        name, content = mutated(rng.choice(whole), rng)
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
