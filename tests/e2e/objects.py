"""TuningExperiments as tests handle them, and who is told of their ends."""

import json
import time
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.cluster import Namespace, wait_until

RETENTION = 90
KEY = "a key of forty characters, or about that"
RECEIVER = """
import http.server, sys
class Receiver(http.server.BaseHTTPRequestHandler):
    n = 0
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        Receiver.n += 1
        fails = Receiver.n % 3 == 1  # the first of three is heard, and not answered well
        print(self.headers["Idempotency-Key"], body, flush=True)
        self.send_response(503 if fails else 204)
        self.end_headers()
    def log_message(self, *_):
        pass  # what it prints is what it has heard
http.server.HTTPServer(("", 8000), Receiver).serve_forever()
"""
LONG = {
    "search_method": "bayesian",
    "n_trials": 16,
    "cv_folds": 3,
    "lag": 2,
    "early_stopping": "none",
    "search_spaces": {
        "random_forest": {
            "n_estimators": {"low": 150, "high": 400, "step": 1},
            "min_samples_leaf": [1, 2, 4],
        }
    },
}


def apply(where: Namespace, file: Path, **spec: Any) -> str:
    """Apply what an experiment file holds as an object; return its name."""
    experiment = yaml.safe_load(file.read_text())
    name = str(experiment.pop("name"))
    content = {
        "apiVersion": "va-tuning.io/v1alpha1",
        "kind": "TuningExperiment",
        "metadata": {"name": name},
        "spec": {"experiment": experiment, **spec},
    }
    where.kubectl("apply", "--filename", "-", stdin=yaml.safe_dump(content))
    return name


def status_of(where: Namespace, name: str) -> dict[str, Any]:
    """What the controller says of an object."""
    found: dict[str, Any] = where.get("tune", name).get("status", {})
    return found


def condition_of(where: Namespace, name: str, kind: str) -> dict[str, Any]:
    """One condition of an object; empty while it has none of that kind."""
    conditions = status_of(where, name).get("conditions", [])
    found: dict[str, Any] = next((one for one in conditions if one["type"] == kind), {})
    return found


def wait_for(where: Namespace, name: str, condition: str = "Succeeded", seconds: int = 480) -> None:
    """Wait for a condition as a user does."""
    where.kubectl(
        "wait", f"tune/{name}", f"--for=condition={condition}", f"--timeout={seconds}s",
        timeout=seconds + 30,
    )  # fmt: skip


def heard(where: Namespace, name: str) -> dict[str, set[str]]:
    """Key → the different bodies that came under it."""
    found: dict[str, set[str]] = {}
    for line in where.kubectl("logs", "receiver").splitlines():
        key, _, body = line.partition(" ")
        if json.loads(body)["experiment"] == name:
            found.setdefault(key, set()).add(body)
    return found


def must_have_heard_once(where: Namespace, name: str, end: str) -> None:
    """Wait until the receiver has heard of an end, under one key and in one wording."""
    wait_until(f"word of the end of {name}", lambda: heard(where, name), 300)
    time.sleep(8)  # in which it would be said again
    ((key, bodies),) = heard(where, name).items()
    assert key.endswith(f"-{end}")
    assert len(bodies) == 1


def trials_of(where: Namespace, name: str) -> int:
    """Finished trials, as the object says."""
    return int(status_of(where, name).get("trials", {}).get("done", 0))
