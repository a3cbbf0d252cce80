"""The kind cluster of the end-to-end tests and one release in it, as a platform engineer would
handle them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "va-tuning"
CONTEXT = "kind-" + os.environ.get("VA_TUNING_CLUSTER", "va-tuning")
CACHE = Path(os.environ.get("VA_TUNING_CACHE", Path.home() / ".cache" / "va-tuning"))
RELEASE = "va-tuning"
TOOLS = {**os.environ, "PATH": f"{CACHE / 'bin'}:{os.environ['PATH']}"}
"""The environment, with the cluster's tools on its path."""
_BEGINS_WITH = (("serviceaccount", "default"), ("configmap", "kube-root-ca.crt"))
"""Kind and name of what every namespace has."""
SECOND = ("--set", "crds.install=false")
"""What every release but the first says: a cluster has one definition of TuningExperiment."""


def run(*command: str | Path, stdin: str | None = None, timeout: float = 300) -> str:
    """Run a command that must succeed; return its output."""
    done = attempt(*command, stdin=stdin, timeout=timeout)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def attempt(
    *command: str | Path, stdin: str | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run a command, with the cluster's tools on its path."""
    return subprocess.run(
        command, input=stdin, env=TOOLS, text=True, capture_output=True, timeout=timeout
    )


def wait_until(what: str, condition: Callable[[], Any], seconds: float = 240) -> Any:
    """Wait until a condition is truthy; return its value."""
    limit = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < limit, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.5)
    return value


@dataclass(frozen=True)
class Namespace:
    """One namespace of the cluster."""

    name: str

    def kubectl(
        self, *arguments: str | Path, stdin: str | None = None, timeout: float = 300
    ) -> str:
        """Run kubectl here."""
        return run(
            "kubectl",
            "--context",
            CONTEXT,
            "--namespace",
            self.name,
            *arguments,
            stdin=stdin,
            timeout=timeout,
        )

    def make(self) -> None:
        """Make it anew, with what a cluster puts into it a moment later: pods need that."""
        self.delete()
        self.kubectl("create", "namespace", self.name)
        kinds = ",".join(kind for kind, _ in _BEGINS_WITH)
        wanted = {f"{kind}/{name}" for kind, name in _BEGINS_WITH}
        wait_until(
            f"what {self.name} begins with",
            lambda: wanted <= set(self.kubectl("get", kinds, "--output", "name").split()),
        )

    def delete(self) -> None:
        """Delete it, if it is there, and wait until it is gone."""
        self.kubectl(
            *("delete", "namespace", self.name, "--ignore-not-found", "--wait"),
            *("--timeout", "600s"),
            timeout=630,
        )

    def helm(self, *arguments: str | Path, timeout: float = 900) -> str:
        """Run helm here."""
        return run(
            "helm", "--kube-context", CONTEXT, "--namespace", self.name, *arguments, timeout=timeout
        )

    def va_tuning(self, command: str, *arguments: str | Path, timeout: float = 600) -> str:
        """Run a command of the command line on this namespace, from outside the cluster."""
        return run(*self._command(command, *arguments), timeout=timeout)

    def va_tuning_fails(self, command: str, *arguments: str | Path) -> tuple[int, str]:
        """Run a command that must fail; return its exit code and what it said."""
        done = attempt(*self._command(command, *arguments))
        assert done.returncode != 0, done.stdout
        return done.returncode, done.stderr

    def _command(self, command: str, *arguments: str | Path) -> list[str | Path]:
        where = ["--context", CONTEXT, "--namespace", self.name]
        return [sys.executable, "-m", "tuner_job", command, *where, *arguments]

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Read an object."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "--output", "json"))
        return found

    def list(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """Read objects with these labels."""
        found = json.loads(self.kubectl("get", kind, "--selector", selector, "--output", "json"))
        items: list[dict[str, Any]] = found["items"]
        return items

    def status(self, name: str) -> Mapping[str, Any]:
        """Read the status of a RayJob."""
        return self.get("rayjob", name).get("status", {})

    def wait_for_end(self, name: str, seconds: float = 600) -> str:
        """Wait until a RayJob has ended; return how."""

        def ended() -> str | None:
            status = self.status(name)
            return (
                status.get("jobStatus")
                if status.get("jobDeploymentStatus") in ("Complete", "Failed")
                else None
            )

        return str(wait_until(f"the end of {name}", ended, seconds))

    def must_succeed(self, name: str, seconds: float = 600) -> None:
        """Wait until a RayJob has ended, and show its state and log if it did not succeed."""
        if self.wait_for_end(name, seconds) != "SUCCEEDED":
            logs = self.kubectl(
                "logs", "--selector", f"va-tuning/experiment={name}", "--tail", "60"
            )
            raise AssertionError(f"{name} must succeed, it ended as {self.status(name)}\n{logs}")
