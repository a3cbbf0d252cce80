"""A Ray cluster on this machine that Ray's own autoscaler enlarges as it finds work waiting."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_HEAD = "f" * 51 + "00000"
"""What the provider takes for its head's name."""
_STORE = 100 * 2**20
TRAINS = ("ray::TrialTrainable", "ray::_Inner")
"""How Ray calls the process of a trial: between two of its steps, and in one."""


@dataclass(frozen=True)
class GrowingCluster:
    """A head without CPUs, and workers alike."""

    address: str
    head: psutil.Process

    @property
    def environment(self) -> dict[str, str]:
        """What leads a command to it."""
        return {"RAY_ADDRESS": self.address, "RAY_AUTH_MODE": "disabled"}

    def processes(self) -> list[psutil.Process]:
        """List the processes that belong to it, the head's first one excepted."""
        with suppress(psutil.NoSuchProcess):
            return self.head.children(recursive=True)
        return []

    @property
    def n_workers(self) -> int:
        """Workers that have been started and run: each has a raylet, as the head does."""
        return sum(name_of(one) == "raylet" for one in self.processes()) - 1

    @property
    def n_training(self) -> int:
        """Workers that hold a trial of Ray Tune's: each actor's process is a raylet's child."""
        return len({_parent(one) for one in self.processes() if _title(one).startswith(TRAINS)})


@contextmanager
def growing_cluster(
    folder: Path, smallest: int, largest: int, cpus: int
) -> Iterator[GrowingCluster]:
    """Have a cluster of `smallest` workers with so many CPUs each, which may grow to `largest`.

    `ray.cluster_utils.AutoscalingCluster` is the same, but ends every other Ray on the machine.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = folder / "autoscaling.json"
    settings.write_text(json.dumps(_settings(address, smallest, largest, cpus)))
    with tempfile.TemporaryDirectory(prefix="va-growing-") as files:
        process = _start(settings, address, files)
        cluster = GrowingCluster(address, psutil.Process(process.pid))
        try:
            _wait_until_there(cluster, smallest)
            yield cluster
        finally:
            _end(cluster)
            process.wait(timeout=60)


def _settings(address: str, smallest: int, largest: int, cpus: int) -> Mapping[str, Any]:
    worker = {"CPU": cpus, "object_store_memory": _STORE}
    return {
        "cluster_name": "growing",
        "max_workers": largest,
        "provider": {
            # by its class: "fake_multinode" needs a file that Ray's wheels lack
            "type": "external",
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "gcs_address": address,
            "head_node_id": _HEAD,
            "launch_multiple": True,
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": {
                "resources": worker,
                "node_config": {},
                "min_workers": smallest,
                "max_workers": largest,
            },
        },
        "head_node_type": "ray.head.default",
        "upscaling_speed": 1.0,
        "idle_timeout_minutes": 10,
        "auth": {},
        "docker": {},
        "file_mounts": {},
        "cluster_synced_files": [],
        "file_mounts_sync_continuously": False,
        "rsync_exclude": [],
        "rsync_filter": [],
        "initialization_commands": [],
        "setup_commands": [],
        "head_setup_commands": [],
        "worker_setup_commands": [],
        "head_start_ray_commands": [],
        "worker_start_ray_commands": [],
    }


def _start(settings: Path, address: str, files: str) -> "subprocess.Popen[bytes]":
    host, port = address.split(":")
    command = [
        Path(sys.executable).parent / "ray",
        *("start", "--head", "--block", "--num-cpus=0", f"--object-store-memory={_STORE}"),
        *(f"--autoscaling-config={settings}", f"--port={port}", f"--node-ip-address={host}"),
        *(f"--temp-dir={files}", "--include-dashboard=false", "--disable-usage-stats"),
    ]
    environment = {
        **os.environ,
        "RAY_AUTH_MODE": "disabled",
        "RAY_FAKE_CLUSTER": "1",
        "RAY_enable_autoscaler_v2": "1",  # as in the chart
        "RAY_CLOUD_INSTANCE_ID": _HEAD,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": _HEAD,
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    }
    with settings.with_name("head.log").open("wb") as said:
        return subprocess.Popen(command, env=environment, stdout=said, stderr=said)


def _wait_until_there(cluster: GrowingCluster, n_workers: int) -> None:
    deadline = time.monotonic() + 300
    while cluster.n_workers < n_workers:
        assert cluster.head.status() != psutil.STATUS_ZOMBIE, "the head did not start"
        assert time.monotonic() < deadline, "the cluster did not start"
        time.sleep(0.1)


def _end(cluster: GrowingCluster) -> None:
    """End it whole: workers are no part of the head, and would outlive it."""
    for one in cluster.processes():
        if any("monitor.py" in part for part in _command(one)):
            with suppress(psutil.NoSuchProcess):
                one.suspend()  # so that it starts none while we look
    left = [cluster.head, *cluster.processes()]
    for one in left:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(left, timeout=30)


def name_of(process: psutil.Process) -> str:
    """Name of a process's program; empty if it has ended."""
    with suppress(psutil.NoSuchProcess):
        return str(process.name())
    return ""


def _parent(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.ppid())
    return 0


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return list(process.cmdline())
    return []


def _title(process: psutil.Process) -> str:
    return " ".join(_command(process))
