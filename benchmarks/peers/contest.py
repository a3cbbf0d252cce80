"""One search of one comparison: run it, or read what an earlier run of it left."""

import dataclasses
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue

from benchmarks.peers import measure, ours
from benchmarks.peers.measure import available_cores
from benchmarks.peers.problem import Candidate, read_log
from tuner_job import __version__

OURS = "va-tuning"
STOPPING = "va-tuning, poor configurations given up"
INCLUDES = {
    "GridSearchCV": "start-up, search, refit",
    "Optuna": "start-up, search, refit",
    "Ray Tune": "start-up, Ray's start, search, refit",
    OURS: "start-up, reading data, search, untuned default, refit, report",
    STOPPING: "the same",
}
"""What the wall time of each command holds that searches a whole grid."""


@dataclass(frozen=True)
class Outcome:
    """A search that has been run.

    Attributes
    ----------
    candidates
        Configurations with all their folds.
    fit_seconds
        Of all its fits; None where nobody knows.
    looked_at
        Configurations begun, those given up included.
    """

    measured: measure.Measured
    candidates: list[Candidate]
    fit_seconds: float | None
    looked_at: int


def run_all(
    settings: Mapping[str, ours.Setting], folder: Path, flaml_python: str
) -> dict[str, Outcome]:
    """Run searches, all on as many cores, in folders of their own; as many at once as find cores
    of their own."""
    n = next(iter(settings.values())).cores
    cores = available_cores()
    groups = [cores[i : i + n] for i in range(0, len(cores) - n + 1, n)] or [cores]
    free: SimpleQueue[list[int]] = SimpleQueue()
    for group in groups:
        free.put(group)

    def run_one(name: str) -> Outcome:
        group = free.get()
        try:
            return run(name, settings[name], folder / name, flaml_python, group)
        finally:
            free.put(group)

    with ThreadPoolExecutor(len(groups)) as threads:
        return dict(zip(settings, threads.map(run_one, settings), strict=True))


def run(
    name: str, setting: ours.Setting, folder: Path, flaml_python: str, cores: Sequence[int]
) -> Outcome:
    """Run a search in its folder, on cores of these numbers, unless that was done before.

    Raises
    ------
    ValueError
        What was done there before was something else.
    """
    done, of = folder / "measured.json", digest_of(setting)
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if name.startswith(OURS):
            stopping = "paired" if setting.seconds or name == STOPPING else "none"
            command = ours.command(ours.write_experiment(setting, folder, stopping), setting.cores)
        else:
            ours.make_problem(setting, folder)
            command = _peer(name, folder, flaml_python)
        measured = measure.run(command, folder, cores, _limit(name, setting))
        done.write_text(json.dumps({"of": of, "measured": dataclasses.asdict(measured)}))
        shutil.rmtree(folder / "ray", ignore_errors=True)
    held = json.loads(done.read_text())
    if held.get("of") != of:
        raise ValueError(f"{folder}: is of other deaths, settings or of another version; delete it")
    measured = measure.Measured(**held["measured"])
    if name.startswith(OURS):
        candidates, seconds, looked_at = ours.read_trials(folder, setting.metric)
        return Outcome(measured, candidates, seconds, looked_at)
    candidates, fits = read_log(folder, setting.n_folds)
    return Outcome(measured, candidates, fits or None, len(candidates))


def digest_of(setting: ours.Setting) -> str:
    """Tell a measurement from one of other deaths, with other settings or of another version."""
    source = setting.data.get("source")
    deaths = sha256(Path(source).read_bytes()).hexdigest() if source else ""
    asked = json.dumps([__version__, deaths, dataclasses.asdict(setting)], sort_keys=True)
    return sha256(asked.encode()).hexdigest()


def _peer(name: str, folder: Path, flaml_python: str) -> list[str]:
    if name == "FLAML":
        return [flaml_python, "-m", "benchmarks.peers.flaml_search", str(folder)]
    return [sys.executable, "-m", "benchmarks.peers.searches", name, str(folder)]


def _limit(name: str, setting: ours.Setting) -> float | None:
    """Seconds after which a search is ended: at once where it knows no time limit, else a minute
    later."""
    if setting.seconds is None:
        return None
    return setting.seconds + (0 if name in ("GridSearchCV", "HalvingRandomSearchCV") else 60)
