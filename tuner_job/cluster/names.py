"""Names as Kubernetes knows them, checked before any cluster is asked.

A name becomes part of a path and of a label selector: an empty one, or one with a slash or a comma,
would mean more objects than the one that it names.
"""

import re
from collections.abc import Mapping

from tuner_job.errors import ClusterError
from tuner_job.schema import EXPERIMENT_NAME, LONGEST_NAME
from tuner_job.wording import shown

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_VALUE = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
_KEY = rf"({_SUBDOMAIN}/)?{_VALUE}"


def check_experiment(name: str) -> str:
    """Return an experiment's name, by the rule that experiment files are held to.

    Raises
    ------
    ClusterError
        It is not such a name.
    """
    rule = "lower-case letters, digits and '-' that begin with a letter and do not end with '-'"
    return _check("name", name, EXPERIMENT_NAME, LONGEST_NAME, rule)


def check_release(name: str) -> str:
    """Return a Helm release's name.

    Raises
    ------
    ClusterError
        It is not such a name.
    """
    return _check("--release", name, _SUBDOMAIN, 53, "lower-case letters, digits, '-' and '.'")


def check_namespace(name: str, said_by: str = "--namespace") -> str:
    """Return a namespace's name; `said_by` is the option or file that says it.

    Raises
    ------
    ClusterError
        It is not such a name.
    """
    return _check(said_by, name, _LABEL, 63, "lower-case letters, digits and '-'")


def check_context(name: str) -> str:
    """Return a context's name: kubeconfig files allow almost anything.

    Raises
    ------
    ClusterError
        It is empty, long, or holds control characters.
    """
    if name.strip() and len(name) <= 253 and name.isprintable():
        return name
    raise ClusterError(
        "--context: must be the name of a context, at most 253 printable characters; got "
        f"{shown(name)}"
    )


def check_object(kind: str, name: str) -> str:
    """Return the name of an object of Kubernetes.

    Raises
    ------
    ClusterError
        It is not such a name.
    """
    return _check(
        f"the name of a {kind}", name, _SUBDOMAIN, 253, "lower-case letters, digits, '-' and '.'"
    )


def selector(labels: Mapping[str, str]) -> str:
    """Write labels as a selector that means objects with all of them and no others.

    Raises
    ------
    ClusterError
        There are none, which would select everything, or one is not a label.
    """
    if not labels:
        raise ClusterError("a label selector: must hold at least one label; got none")
    for key, value in labels.items():
        _check("a label's key", key, _KEY, 253, "letters, digits, '-', '_', '.'")
        _check(f"label {key}", value, _VALUE, 63, "letters, digits, '-', '_', '.'")
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _check(what: str, name: str, pattern: str, longest: int, rule: str) -> str:
    if len(name) <= longest and re.fullmatch(pattern, name):
        return name
    raise ClusterError(f"{what}: must be 1 to {longest} {rule}; got {shown(name)}")
