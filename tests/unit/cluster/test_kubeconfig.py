"""Which kubeconfig files there are, where that cannot be found out."""

from pathlib import Path

import pytest

from tuner_job.cluster.kubeconfig import find_cluster, user_of
from tuner_job.errors import ClusterError


def _no_entry(path: Path, **_: object) -> bool:
    raise PermissionError(13, "Permission denied", str(path))


def test_a_file_in_a_folder_that_one_may_not_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/closed/config")
    monkeypatch.setattr(Path, "exists", _no_entry)
    with pytest.raises(
        ClusterError, match=r"^kubeconfig /closed/config: cannot be read: Permission denied$"
    ):
        find_cluster(None)
    assert user_of(None) == ""


def test_a_file_in_the_home_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "~no-such-user/config")
    with pytest.raises(ClusterError, match=r"^kubeconfig ~no-such-user/config: cannot be read: "):
        find_cluster(None)
    assert user_of(None) == ""
