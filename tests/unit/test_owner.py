"""Who submitted an experiment: on a laptop, on a cluster, in a label."""

import pytest

from tuner_job.cluster.owner import as_label, is_of
from tuner_job.process import owner
from tuner_job.process.owner import OWNER, submitter


def test_the_submitter_is_named_or_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner.getpass, "getuser", lambda: "jane")
    monkeypatch.delenv(OWNER, raising=False)
    assert submitter() == "jane"
    assert submitter("uid-of-a-rayjob") == ""  # who is logged in in a pod is nobody
    monkeypatch.setenv(OWNER, " Jane Doe ")
    assert submitter() == submitter("uid-of-a-rayjob") == "Jane Doe"


def test_a_machine_without_a_login_name_has_no_submitter(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(owner.getpass, "getuser", nobody)
    monkeypatch.delenv(OWNER, raising=False)
    assert submitter() == ""


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("jane", "jane"),
        ("Dr. Zoë Ruiz <zoe@who.int>", "Dr.-Zo-Ruiz-zoe-who.int"),
        ("arn:aws:eks:eu-west-1:1:cluster/va", "arn-aws-eks-eu-west-1-1-cluster-va"),
        ("x" * 80, "x" * 63),
        ("y" * 62 + " z", "y" * 62),
        ("李", ""),
        ("--.", ""),
    ],
)
def test_what_of_a_name_fits_a_label(name: str, label: str) -> None:
    assert as_label(name) == label


def test_a_label_alone_says_whose_it_is() -> None:
    assert is_of("Jane-Doe", "Jane Doe")
    assert is_of("Jane Doe", "Jane Doe")
    assert not is_of("", "")
    assert not is_of("Li", "Jane Doe")
