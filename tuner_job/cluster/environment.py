"""The variables by which a release reaches its store, read of its template and Secrets."""

import binascii
import os
import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager

from tuner_job.cluster.kube import Kube, RefusedError
from tuner_job.cluster.objects import Secret
from tuner_job.cluster.template import HeadContainer
from tuner_job.errors import ClusterError
from tuner_job.wording import plain, shown

_OF_STORES = re.compile(r"(AWS|AZURE|GOOGLE)_[A-Z0-9_]+")
_LEADS_ELSEWHERE = re.compile("ENDPOINT|URL|URI|HOST$|PROXY|AUTHORITY")
_FORBIDDEN = 403


def store_environment(kube: Kube, container: HeadContainer) -> dict[str, str]:
    """Read the variables by which a container reaches the store, but those of Secrets that one may
    not read.

    Variables for other purposes, and paths, which are a pod's, are left out.

    Raises
    ------
    ClusterError
        A Secret is missing, lacks a key, or holds what no variable can be.
    """
    found: dict[str, str] = {}
    for source in container.env_from:
        if reference := source.secret_ref:
            found |= _secret(kube, reference.name, reference.optional) or {}
    for variable in container.env:
        if variable.value is not None:
            found[variable.name] = variable.value
        elif key := variable.value_from.secret_key_ref:
            values = _secret(kube, key.name, key.optional)
            if values is None:
                continue
            if key.key in values:
                found[variable.name] = values[key.key]
            elif not key.optional:
                raise ClusterError(
                    f"namespace {kube.namespace}: Secret {key.name}: must hold the key "
                    f"{plain(key.key)}"
                )
    return {
        name: _printable(name, value) for name, value in found.items() if _is_of_store(name, value)
    }


def check_endpoints(environment: dict[str, str], trusted: str | None) -> None:
    """Check that keys go only to addresses that the user has named; the cluster's own Services are
    no matter of it.

    Parameters
    ----------
    trusted
        Named on the command line; the user's own environment counts as well.

    Raises
    ------
    ClusterError
        The release names another address.
    """
    for name, value in environment.items():
        if _LEADS_ELSEWHERE.search(name) and value.rstrip("/") not in (
            (trusted or "").rstrip("/"),
            os.environ.get(name),
        ):
            raise ClusterError(
                f"the release's {name}: must be a Service of its namespace, or be named by you, as "
                f"the store's keys are sent there; got {shown(value)}: if you trust it, add "
                f"--endpoint {shown(value)}"
            )


@contextmanager
def in_place_of_ours(variables: dict[str, str]) -> Iterator[None]:
    """Let object storage, which reads the environment, find these; keys and addresses of two
    owners never mix."""
    theirs = "AWS_ACCESS_KEY_ID" in variables
    elsewhere = any(_LEADS_ELSEWHERE.search(name) for name in variables)
    ours = [name for name in os.environ if name.startswith("AWS_") and name not in variables]
    hidden = [name for name in ours if theirs or (elsewhere and _LEADS_ELSEWHERE.search(name))]
    before = {name: os.environ.get(name) for name in (*variables, *hidden)}
    for name in hidden:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _is_of_store(name: str, value: str) -> bool:
    return bool(_OF_STORES.fullmatch(name)) and not value.startswith("/") and "FILE" not in name


def _secret(kube: Kube, name: str, optional: bool) -> dict[str, str] | None:
    """Values of a Secret; None if one may not read it: one's own keys, from the environment, may
    do."""
    try:
        secret = kube.get(Secret, name)
    except RefusedError as error:
        if error.status == _FORBIDDEN:
            return None
        raise
    if secret is None:
        if optional:
            return {}
        raise ClusterError(
            f"namespace {kube.namespace}: Secret {name} with the store's keys is missing"
        )
    values = {}
    for key, value in secret.data.items():
        try:
            values[key] = b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            raise ClusterError(
                f"namespace {kube.namespace}: Secret {name}: {plain(key)}: must be UTF-8 text in "
                "base64; it is not"
            ) from None
    return values


def _printable(name: str, value: str) -> str:
    """A variable's value, which may be a key: it is not shown."""
    if not value.isprintable():
        raise ClusterError(
            f"the release's {name}: must be one line of printable characters; it is not"
        )
    if _LEADS_ELSEWHERE.search(name) and set(value) & {"@", "?"}:
        raise ClusterError(
            f"the release's {name}: must be an address without user, password or query; it has one"
        )
    return value
