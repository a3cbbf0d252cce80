"""Standard input that was closed: nobody answers, and nothing can be read."""

import sys
from pathlib import Path

import pytest

from tuner_job.cli.cluster import _confirmed
from tuner_job.cluster.template_file import read_template_file
from tuner_job.errors import ClusterError


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)


def test_no_template_is_read_of_it() -> None:
    with pytest.raises(ClusterError, match=r"^standard input: is closed; name a file$"):
        read_template_file(Path("-"), None)


def test_no_answer_is_no() -> None:
    assert not _confirmed("Remove all?")
