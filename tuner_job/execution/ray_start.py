"""Bringing Ray up: on the cluster that RAY_ADDRESS names, else embedded; and noticing when it
dies."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
from ray._private import utils as ray_utils

from tuner_job.config.budget import Budget
from tuner_job.errors import ConfigError, InputError, RunError
from tuner_job.execution.place import address_given, ray_folder, require_address, require_folders
from tuner_job.process import command as process
from tuner_job.process.output import debugging
from tuner_job.public import without_secrets
from tuner_job.wording import plain, shown

_log = logging.getLogger(__name__)
_START_ATTEMPTS = 3  # a busy machine may need them
_IDLE_PATIENCE = 20.0  # seconds after which an idle machine is not asked again
_CONNECT_PATIENCE = (
    40.0  # seconds until a cluster that accepts a connection and says nothing is given up
)
_LOCAL_STORE_BYTES = 512 * 2**20  # at least, for the embedded object store
_LOOK_SECONDS = 0.3
_VITAL = {"gcs_server": "its control service (gcs_server)", "raylet": "its scheduler (raylet)"}
_GO_ON = "what is finished is kept: run the same command again to go on from here"


def start_ray(n_workers: int | None, data_bytes: int) -> None:
    """Connect to the cluster that RAY_ADDRESS names, or start an embedded one.

    Parameters
    ----------
    n_workers
        CPUs of the embedded one; None: all of this machine. A cluster has its own size.
    data_bytes
        Size of the data set, from which the embedded object store is sized.

    Raises
    ------
    InputError
        RAY_ADDRESS or the temporary folder cannot be used.
    RunError
        Ray does not start.
    """
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    require_place(data_bytes)
    address = address_given()
    if address:
        with _given_up_after(
            _CONNECT_PATIENCE, f"RAY_ADDRESS: nothing at {shown(address)} answers as a Ray cluster"
        ):
            _start(_init, address)
        return
    # by default its workers give way to everybody else's processes, and starve on a busy machine
    os.environ.setdefault("RAY_worker_niceness", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    options = {
        "num_cpus": n_workers,
        "include_dashboard": False,
        "object_store_memory": _store_bytes(data_bytes),
    }
    _start(lambda: _init(address="local", **options), None)


def require_place(data_bytes: int) -> None:
    """Refuse, before anything is started or written, an address or folders that Ray could not use.

    Raises
    ------
    InputError
    """
    address = address_given()
    if address:
        require_address(address)
    else:
        require_folders(_store_bytes(data_bytes))


@contextmanager
def ray_running(n_workers: int | None, data_bytes: int) -> Iterator[None]:
    """Have Ray as `start_ray` starts it for a block; one that runs already is used, and left
    running."""
    if ray.is_initialized():
        yield
        return
    start_ray(n_workers, data_bytes)
    _log.info("Ray runs with %g CPUs", ray.cluster_resources().get("CPU", 0))
    _log.info("Ray's own logs are in %s", ray_logs())
    try:
        with _watched():
            yield
    finally:
        ray.shutdown()
        _log.debug("Ray is shut down")


@contextmanager
def ray_for(budget: Budget, n_workers: int | None, data_bytes: int) -> Iterator[None]:
    """Find out before the block whether Ray can run what is asked for; where it had to be asked, it
    runs in the block.

    Raises
    ------
    InputError
    """
    if not ray.is_initialized():
        require_place(data_bytes)
    if not (address_given() or budget.memory_per_task or budget.cpus_per_trial > 1):
        yield
        return
    with ray_running(n_workers, data_bytes):
        if budget.memory_per_task:
            require_memory(budget.memory_per_task)
        require_cpus(budget.cpus_per_trial)
        yield


def ray_logs() -> str:
    """Return the folder in which Ray, on the machine that it runs on, keeps its own logs.

    It is that of the running Ray, else of the one that was started last.
    """
    node = ray._private.worker._global_node
    return str(node.get_logs_dir_path() if node else ray_folder() / "session_latest" / "logs")


def require_memory(memory_per_task: float) -> None:
    """Refuse what no node could ever give: Ray would wait for it without end."""
    largest = _largest("memory")
    if largest is not None and memory_per_task > largest:
        raise ConfigError(
            f"budget.memory_per_task: must fit on one node, the largest has {largest / 2**30:.1f} "
            f"Gi for tasks; got {memory_per_task / 2**30:.1f} Gi"
        )


def require_cpus(cpus: int) -> None:
    """Refuse what no node could ever give: Ray would wait for it without end."""
    largest = _largest("CPU")
    if largest is not None and cpus > 1 and largest < cpus:
        raise ConfigError(
            f"budget.cpus_per_trial: must fit on one node, the largest has {largest:.0f}; got "
            f"{cpus}"
        )


def _largest(resource: str) -> float | None:
    """Find the most that a node has for fits; None if none has CPUs: a cluster that grows brings
    those yet, and nobody knows how large they are."""
    able = [node["Resources"] for node in ray.nodes() if node["Resources"].get("CPU")]
    return max((float(one.get(resource, 0.0)) for one in able), default=None)


def _store_bytes(data_bytes: int) -> int:
    return max(_LOCAL_STORE_BYTES, 4 * data_bytes)


def _start(init: Callable[[], None], address: str | None) -> None:
    begun = time.monotonic()
    for attempt in range(1, _START_ATTEMPTS + 1):
        try:
            init()
            return
        except (
            Exception,
            SystemExit,
        ) as error:  # Ray's own start-up time-out (30 s, fixed) has no type of its own
            _log.debug("Ray did not start, attempt %d", attempt, exc_info=True)
            logs = ray_logs()
            ray.shutdown()
            process.kill(
                pid for pid in process.descendants() if _is_rays(pid)
            )  # it leaves them behind
            late = time.monotonic() - begun > _IDLE_PATIENCE and not _is_busy()
            if attempt == _START_ATTEMPTS or late or address:
                raise _cannot_start(address, error, logs) from None


def _init(**options: Any) -> None:
    if not debugging():
        # what Ray tells of lost nodes goes to the log page by page; what became of the fits, we
        # tell
        logging.getLogger("ray").setLevel(logging.CRITICAL)
    ray._private.worker.print_to_stdstream = _log_what_ray_prints
    with _command_line_without_secrets():
        ray.init(logging_level="CRITICAL", log_to_driver=debugging(), **options)


def _log_what_ray_prints(said: Mapping[str, Any], *_: object, **__: object) -> None:
    """Take what Ray would print amid the progress: of its raylet, and of workers if asked for."""
    source = said.get("pid", "?")
    for line in said.get("lines", ()):
        _log.info("Ray (%s): %s", source, line.strip())


@contextmanager
def _command_line_without_secrets() -> Iterator[None]:
    """Ray records the command line, which its dashboard shows; an address in it may hold a
    password or a signature."""
    whole = ray_utils.get_entrypoint_name
    ray_utils.get_entrypoint_name = lambda: without_secrets(whole())
    try:
        yield
    finally:
        ray_utils.get_entrypoint_name = whole


def _cannot_start(address: str | None, error: BaseException, logs: str) -> Exception:
    why = plain(error) or type(error).__name__
    if address:
        return InputError(
            f"RAY_ADDRESS: the Ray cluster at {shown(address)} cannot be used: {why}; Ray's own "
            "logs are on the cluster's machines, in /tmp/ray/session_latest/logs"
        )
    return RunError(f"Ray cannot be started on this machine: {why}; Ray's own logs are in {logs}")


def _is_rays(pid: int) -> bool:
    with suppress(OSError):  # it has ended
        return b"/ray/" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _is_busy() -> bool:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return load > (os.cpu_count() or 1)


@contextmanager
def _given_up_after(seconds: float, sentence: str) -> Iterator[None]:
    """End the process if the block takes too long: Ray cannot be interrupted while it connects."""
    timer = threading.Timer(seconds, process.give_up, (sentence, InputError.exit_code))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _watched() -> Iterator[None]:
    """Notice during the block when one of the embedded Ray's processes dies: Ray would end this
    one without a word."""
    node = ray._private.worker._global_node
    started = node.all_processes if node and node.head else {}
    vital = {name: infos[0].process for name, infos in started.items() if name in _VITAL}
    over = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(vital, over, ray_logs()), daemon=True, name="ray-watch"
    )
    watch.start()
    try:
        yield
    finally:
        over.set()


def _watch(vital: dict[str, Any], over: threading.Event, logs: str) -> None:
    while not over.wait(_LOOK_SECONDS):
        for name, one in vital.items():
            if one.poll() is not None and not over.wait(
                _LOOK_SECONDS
            ):  # a signal to all of us comes here, too
                process.give_up(
                    f"Ray died under the search: {_VITAL[name]} has ended; {_GO_ON}; Ray's own "
                    f"logs are in {logs}"
                )
                return
