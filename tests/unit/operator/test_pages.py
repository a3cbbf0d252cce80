"""What docs/kubernetes.md says of TuningExperiments is so."""

import hashlib
import hmac
import re
import time
from pathlib import Path
from typing import Any

import yaml

from tests.unit.operator.conftest import ADDRESS
from tuner_job.operator.asked import read
from tuner_job.operator.definition import definition
from tuner_job.operator.ledger import Entry
from tuner_job.operator.notify import Receiver
from tuner_job.operator.resource import TuningExperiment
from tuner_job.records import BestSoFar

PAGE = (Path(__file__).parents[3] / "docs" / "kubernetes.md").read_text(encoding="utf-8")


def test_the_lines_of_the_page_are_an_experiment() -> None:
    (text,) = [one for one in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "kind:" in one]
    found = TuningExperiment.model_validate(yaml.safe_load(text))
    assert read(found).config.tuning.n_trials == 50
    assert text.count("\n") <= 12


def test_the_page_names_every_key_of_the_spec() -> None:
    (version,) = definition()["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    section = PAGE[PAGE.index("## An experiment as an object") :]
    for key in spec["properties"]:
        assert f"`{key}`" in section or f"spec.{key}" in section, key


def test_the_page_checks_signatures_as_they_are_made() -> None:
    (text,) = re.findall(r"```python\n(def is_ours.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {"hmac": hmac, "hashlib": hashlib, "time": time}
    exec(text, names)
    sent: list[tuple[bytes, dict[str, str]]] = []

    def take(url: str, body: bytes, headers: Any) -> int:
        sent.append((body, dict(headers)))
        return 200

    entry = Entry(name="adult", end="done", best=BestSoFar(model="xgboost", trial=3, score=0.8))
    assert Receiver(ADDRESS, b"a key", take).tell("va", "uid", entry)
    (body, headers), is_ours = sent[0], names["is_ours"]
    assert is_ours(headers, body, b"a key")
    assert not is_ours(headers, body + b" ", b"a key")
    assert not is_ours(headers, body, b"another key")
    assert not is_ours({**headers, "X-VA-Tuning-Timestamp": "1"}, body, b"a key")
