"""What this machine has for fits: processors and memory, within the limits of a container."""

import os
from contextlib import suppress
from pathlib import Path

from tuner_job.errors import ConfigError

_CGROUP = Path("/sys/fs/cgroup")
_GI = 2**30


def n_cpus() -> int:
    """Processors that this process may use, at least 1."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with suppress(OSError, ValueError):  # "max 100000" where there is no limit
        quota, period = map(int, (_CGROUP / "cpu.max").read_text(encoding="utf-8").split())
        return max(1, min(there or 1, quota // period))
    return there or 1


def n_slots(n_workers: int | None, memory_per_task: float | None) -> int:
    """Fits that may run at once, at least 1.

    Parameters
    ----------
    n_workers
        So many at most; None: one a processor.
    memory_per_task
        Bytes that a fit takes; None: not known, so memory limits nothing.

    Raises
    ------
    ConfigError
        Not even one fits into the memory of this machine.
    """
    slots = n_workers or n_cpus()
    whole = _memory()
    if not memory_per_task or whole is None:
        return slots
    if memory_per_task > whole:
        raise ConfigError(
            f"budget.memory_per_task: must fit on this machine, which has {whole / _GI:.1f} Gi; "
            f"got {memory_per_task / _GI:.1f} Gi"
        )
    return max(1, min(slots, int(_available(whole) // memory_per_task)))


def _memory() -> float | None:
    """Bytes of memory; None where nobody tells."""
    if not hasattr(os, "sysconf"):  # Windows
        return None
    try:
        whole = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (OSError, ValueError):
        return None
    with suppress(OSError, ValueError):  # "max" where there is no limit
        whole = min(whole, float((_CGROUP / "memory.max").read_text(encoding="utf-8")))
    return whole


def _available(whole: float) -> float:
    """Bytes that nobody uses now; all where nobody tells."""
    with suppress(OSError, ValueError, IndexError):
        told = Path("/proc/meminfo").read_text(encoding="utf-8").partition("MemAvailable:")[2]
        return min(whole, float(told.split()[0]) * 1024)
    return whole
