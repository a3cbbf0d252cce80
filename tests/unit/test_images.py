"""What `make images push` and the rig's build ask of docker, told by one that does nothing."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner_job import __version__

ROOT = Path(__file__).parents[2]
DOCKER = '#!/bin/sh\necho "$*" >> "$CALLS"\n'
REGISTRY = "registry.example.org/team"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the rig is for Linux")
Run = Callable[..., tuple[int, str, list[str]]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a script; gives its exit code, its errors and docker's arguments."""
    docker, calls = tmp_path / "docker", tmp_path / "calls"
    docker.write_text(DOCKER)
    docker.chmod(0o755)

    def run(script: str, *arguments: str, **environment: str) -> tuple[int, str, list[str]]:
        calls.write_text("")
        clean = {name: v for name, v in os.environ.items() if not name.startswith("VA_TUNING_")}
        fixed = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls)}
        done = subprocess.run(
            [ROOT / script, *arguments],
            env={**clean, **fixed, "VA_TUNING_CACHE": str(tmp_path / "cache"), **environment},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stderr, calls.read_text().splitlines()

    return run


def expected_builds(registry: str) -> list[str]:
    store = (ROOT / "images" / "store" / "go.mod").read_text()
    version = store.partition("github.com/versity/versitygw v")[2].split()[0]
    return [
        f"build --file {ROOT}/images/tuner/Dockerfile --build-arg VERSION={__version__} "
        f"--tag {registry}/va-tuning/tuner:{__version__} {ROOT}",
        f"build --build-arg VERSION={version} --tag {registry}/va-tuning/versitygw:{version} "
        f"{ROOT}/images/store",
    ]


def test_images_are_built_from_their_dockerfiles_and_pushed(run: Run) -> None:
    code, err, calls = run("images/images.sh", "build", "push", VA_TUNING_REGISTRY=REGISTRY)
    assert (code, err) == (0, "")
    builds = expected_builds(REGISTRY)
    tags = [build.partition("--tag ")[2].split()[0] for build in builds]
    assert calls == [*builds, *(f"push {tag}" for tag in tags)]


@pytest.mark.parametrize(
    ("registry", "said"),
    [
        ("", "error: REGISTRY must name the registry to push to"),
        ("team", "error: an image's name must begin with a registry's host"),
    ],
)
def test_nothing_is_pushed_to_a_name_that_is_anybody_s(run: Run, registry: str, said: str) -> None:
    code, err, calls = run("images/images.sh", "push", VA_TUNING_REGISTRY=registry)
    assert code == 1
    assert err.startswith(said)
    assert calls == []


def test_the_rig_builds_the_same_images_where_a_registry_answers(run: Run) -> None:
    code, err, calls = run("tests/cluster/cluster.sh", "build", VA_TUNING_IMAGES="registry")
    assert code == 0, err
    assert [call for call in calls if call.startswith("build")] == expected_builds("localhost")


def test_the_rig_explains_itself(run: Run) -> None:
    code, err, calls = run("tests/cluster/cluster.sh", "--help")
    assert (code, err, calls) == (0, "", [])
