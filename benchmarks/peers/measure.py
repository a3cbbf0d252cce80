"""Run a command on some of the machine's cores: its wall time and the memory of all its
processes."""

import contextlib
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
_SAMPLE_SECONDS = 0.5
_END_SECONDS = 20.0  # for a command that was asked to end


@dataclass(frozen=True)
class Measured:
    """What a command took.

    Attributes
    ----------
    began
        Seconds since the epoch.
    seconds
        From its start to its end, start-up included.
    peak_mib
        Highest sum of the resident memory of its processes; what they share counts in each of them.
    ended
        Whether it ended by itself.
    """

    began: float
    seconds: float
    peak_mib: float
    ended: bool


def available_cores() -> list[int]:
    """Numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def run(
    command: Sequence[str], folder: Path, cores: Sequence[int], limit: float | None = None
) -> Measured:
    """Run a command on the cores of these numbers, ending it after `limit` seconds.

    Raises
    ------
    RuntimeError
        It failed; the end of its output is in the message.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    began, peak, ended = time.time(), 0.0, True
    with (folder / "output.txt").open("w") as output:
        process = psutil.Popen(
            list(command), cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        process.cpu_affinity(list(cores))
        while process.poll() is None:
            if limit and time.time() - began > limit:
                ended = False
                _end(process)
                break
            peak = max(peak, _resident(process) / 2**20)
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(_SAMPLE_SECONDS)
    seconds = time.time() - began
    if ended and process.returncode:
        raise RuntimeError(
            f"{' '.join(command)}: failed\n{(folder / 'output.txt').read_text()[-2000:]}"
        )
    return Measured(began, seconds, peak, ended)


def _resident(process: psutil.Process) -> int:
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total


def _end(process: psutil.Process) -> None:
    """End a command and the processes that it started."""
    family = [process, *process.children(recursive=True)]
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.terminate()
    for one in psutil.wait_procs(family, timeout=_END_SECONDS)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(family, timeout=_END_SECONDS)
