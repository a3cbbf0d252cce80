"""Many experiments, and deaths at random instants: nothing is lost, left behind or said twice."""

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import CHART, RELEASE, Namespace, wait_until
from tests.e2e.objects import LONG, RETENTION, apply, must_have_heard_once, trials_of, wait_for

Write = Callable[..., Path]
Table = Callable[[Path], str]
Fetched = Callable[[str], str]

pytestmark = [pytest.mark.long, pytest.mark.timeout(7200)]
RUNS = int(os.environ.get("VA_TUNING_E2E_RUNS", "20"))
"""Of experiments whose pods die."""
IN_A_ROW = int(os.environ.get("VA_TUNING_E2E_IN_A_ROW", "30"))
AT_ONCE = 10
_DEATHS = {
    "controller": "app.kubernetes.io/component=operator",
    "head": f"ray.io/cluster={RELEASE},ray.io/node-type=head",
    "worker": f"ray.io/cluster={RELEASE},ray.io/node-type=worker",
}
_SMALL: dict[str, Any] = {
    "data": {
        "format": "synthetic",
        "synthetic": {"n_samples": 150, "n_causes": 4, "n_symptoms": 10, "n_sites": 2},
    },
    "models": ["naive_bayes"],
    "tuning": {"search_method": "random", "n_trials": 2, "cv_folds": 2},
}
_BUSY = """
import os, pathlib, time
def used():
    stats = [p.read_text() for p in pathlib.Path("/proc").glob("[0-9]*/stat")]
    fields = [one.rsplit(")", 1)[1].split() for one in stats]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")
before = used()
time.sleep(2)
print((used() - before) / 2)
"""


@pytest.mark.parametrize("number", range(RUNS))
def test_deaths_at_random_cost_time_only(
    number: int, told: Namespace, write: Write, local_table: Table, fetched_table: Fetched
) -> None:
    chance = random.Random(number)
    file = write(f"random-{number}", tuning=LONG)
    name = apply(told, file)
    wait_until("a first trial", lambda: trials_of(told, name) >= 1, 480)
    for _ in range(2):
        time.sleep(chance.uniform(0, 20))
        for selector in chance.sample(list(_DEATHS.values()), chance.choice((1, 2))):
            told.kubectl("delete", "pods", "-l", selector, "--wait=false", "--grace-period", "0")
    wait_for(told, name, seconds=900)
    assert fetched_table(name) == local_table(file)
    must_have_heard_once(told, name, "done")
    told.kubectl("delete", "tune", name)


def test_many_experiments_leave_nothing_but_results(
    roomy: Namespace, write: Write, fetched_table: Fetched
) -> None:
    sizes = []
    for number in range(IN_A_ROW):
        wait_for(roomy, apply(roomy, write(f"row-{number}", **_SMALL)))
        sizes.append(_memory_of_the_head(roomy))
    names = [apply(roomy, write(f"once-{number}", **_SMALL)) for number in range(AT_ONCE)]
    for name in names:
        wait_for(roomy, name, seconds=900)
    early, late = min(sizes[3:8]), min(sizes[-5:])
    assert late < 1.15 * early + 20 * 2**20, sizes
    kinds = "rayjobs,jobs,configmaps"
    wait_until(
        "the end of what is over",
        lambda: not roomy.list(kinds, "va-tuning/experiment"),
        60 + 3 * RETENTION,
    )
    for name in ("row-0", f"row-{IN_A_ROW - 1}", *names):
        assert fetched_table(name).count("\n") > 2
    roomy.kubectl("delete", "tune", "--all")


def test_cancelled_long_fits_leave_the_cpus_idle(told: Namespace, write: Write) -> None:
    synthetic = {"n_samples": 3000, "n_causes": 20, "n_symptoms": 150, "n_sites": 2}
    fits = {"n_estimators": [3000], "max_depth": [9], "learning_rate": [0.01]}
    file = write(
        "endless",
        data={"format": "synthetic", "synthetic": synthetic},
        models=["xgboost"],
        tuning={"search_method": "random", "n_trials": 1, "search_spaces": {"xgboost": fits}},
    )
    told.va_tuning("submit", file)
    wait_until("fits", lambda: _cpus_of_the_worker(told) > 0.3, 300)
    time.sleep(10)
    assert _cpus_of_the_worker(told) > 0.3
    told.va_tuning("cancel", "endless")
    since = time.monotonic()
    wait_until("idle CPUs", lambda: _cpus_of_the_worker(told) < 0.15, 60)
    assert time.monotonic() - since < 10 + 4  # a look takes some seconds


@pytest.fixture
def roomy(told: Namespace) -> Iterator[Namespace]:
    """The release, its head with room for many drivers at once."""

    def give(memory: str) -> None:
        value = f"head.resources.memory={memory}"
        options = ["--reuse-values", "--set", value, "--wait", "--timeout", "5m"]
        told.helm("upgrade", RELEASE, CHART, *options)
        wait_until(f"a head with {memory}", lambda: _is_ready(told, memory), 240)

    give("5Gi")
    yield told
    give("1536Mi")


def _is_ready(where: Namespace, memory: str) -> bool:
    for pod in where.list("pods", _DEATHS["head"]):
        conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
        limit = pod["spec"]["containers"][0]["resources"]["limits"]["memory"]
        if limit == memory and conditions.get("Ready") == "True":
            return True
    return False


def _memory_of_the_head(where: Namespace) -> int:
    """Bytes of the head's processes that are no file's."""
    head = where.list("pods", _DEATHS["head"])[0]["metadata"]["name"]
    command = "cat /sys/fs/cgroup/memory/memory.stat /sys/fs/cgroup/memory.stat 2>/dev/null || true"
    said = where.kubectl("exec", head, "-c", "ray-head", "--", "sh", "-c", command)
    found = dict(line.split()[:2] for line in said.splitlines())
    return int(found.get("anon") or found["rss"])  # cgroup v2 and v1


def _cpus_of_the_worker(where: Namespace) -> float:
    worker = where.list("pods", _DEATHS["worker"])[0]["metadata"]["name"]
    return float(where.kubectl("exec", worker, "--", "python", "-c", _BUSY))
