"""The lock files serve the systems that nobody here runs: for each there is a wheel of every
package."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = [
    "requirements.lock",
    "requirements-dev.lock",
    "images/tuner/requirements.lock",
    "images/tuner/build.lock",
    "benchmarks/requirements.lock",
]
SYSTEMS = {
    "Intel Mac": "x86_64-apple-darwin",
    "Apple silicon": "aarch64-apple-darwin",
    "Windows": "x86_64-pc-windows-msvc",
    "Linux": "x86_64-unknown-linux-gnu",
    "Linux on arm64": "aarch64-unknown-linux-gnu",
}
UNREACHABLE = re.compile(
    "error sending request|failed to fetch|dns error|timed out|connection refused", re.IGNORECASE
)


def find_wheels(lock: str, system: str, target: Path) -> subprocess.CompletedProcess[str]:
    """Let the resolver find what it would install there, without installing it."""
    uv = Path(sys.executable).with_name("uv")
    where = ["--python-platform", SYSTEMS[system], "--python-version", "3.11", "--target", target]
    how = ["--dry-run", "--only-binary", ":all:", "--require-hashes"]
    return subprocess.run(
        [uv, "pip", "sync", *how, *where, lock], cwd=ROOT, text=True, capture_output=True
    )


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_a_wheel(lock: str, system: str, tmp_path: Path) -> None:
    found = find_wheels(lock, system, tmp_path / "target")
    if UNREACHABLE.search(found.stderr):
        pytest.skip(
            f"no package index answers, so the wheels for {system} were not looked for: "
            f"{found.stderr[-200:]}"
        )
    assert found.returncode == 0, found.stderr
    assert len(re.findall(r"^ \+ ", found.stderr, re.MULTILINE)) > 60
    boosting = "xgboost-cpu" if system.startswith("Linux") else "xgboost"
    assert f" + {boosting}==" in found.stderr


def test_a_package_without_a_wheel_is_found_out(tmp_path: Path) -> None:
    lock = tmp_path / "wrong.lock"
    pins = (ROOT / "requirements.lock").read_text()
    newest_ray = re.search(r"^ray==\S+ ; platform_machine != (.*\n)+?(?=\w)", pins, re.MULTILINE)
    assert newest_ray is not None
    lock.write_text(re.sub(" ;.*?(?= \\\\)", "", newest_ray[0]))
    found = find_wheels(str(lock), "Intel Mac", tmp_path / "target")
    if UNREACHABLE.search(found.stderr):
        pytest.skip(f"no package index answers: {found.stderr[-200:]}")
    assert found.returncode != 0


def test_locks_name_no_place_to_fetch_from() -> None:
    for lock in LOCKS:
        text = (ROOT / lock).read_text()
        assert not re.search(r"://|--(extra-)?index-url|--find-links", text), lock
        pins = re.findall(r"^[a-z0-9]\S*==.*$", text, re.MULTILINE)
        assert pins, lock
        assert all(pin.endswith("\\") for pin in pins), f"{lock}: every pin must have its hashes"
