"""Which cluster is meant: kubeconfig files, checked, and what the Kubernetes client makes of
them."""

import binascii
import logging
import os
import shutil
from base64 import b64decode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client, config
from kubernetes.config.config_exception import ConfigException
from pydantic import ConfigDict, Field

from tuner_job.cluster.names import check_namespace
from tuner_job.cluster.objects import Schema, checked, parsed_yaml
from tuner_job.errors import ClusterError
from tuner_job.wording import listed, plain, shown

_MOST_BYTES = 2**24
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_HINT = "see kubectl config get-contexts"


class _Dashed(Schema):
    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))


class _Cluster(_Dashed):
    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""


class _Variable(Schema):
    name: str
    value: str


class _Exec(Schema):
    command: str
    args: list[str] = []
    env: list[_Variable] = []


class _User(_Dashed):
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = Field("", alias="tokenFile")
    username: str = ""
    password: str = ""
    exec: _Exec | None = None


class _Context(Schema):
    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _NamedCluster(Schema):
    name: str
    cluster: _Cluster


class _NamedUser(Schema):
    name: str
    user: _User = _User()


class _NamedContext(Schema):
    name: str
    context: _Context


class _File(_Dashed):
    current_context: str = ""
    clusters: list[_NamedCluster] = []
    users: list[_NamedUser] = []
    contexts: list[_NamedContext] = []


def find_cluster(context: str | None) -> tuple[client.Configuration, str]:
    """Find the cluster as kubectl does, and the context's namespace.

    Parameters
    ----------
    context
        None: the kubeconfig's current one, or, inside a pod without a kubeconfig, that pod's
        cluster.

    Raises
    ------
    ClusterError
        There is none, or what describes it cannot be used.
    """
    paths = _paths()
    if (
        not paths
        and context is None
        and "KUBECONFIG" not in os.environ
        and (inside := _own_cluster())
    ):
        return inside
    files = {path: file for path in paths if (file := _read(path)) is not None}
    if not files:
        where = plain(os.environ.get("KUBECONFIG") or "~/.kube/config")
        raise ClusterError(
            f"no Kubernetes cluster is configured: {where}: holds no kubeconfig file; {_HINT}"
        )
    name, chosen = _context(files, context)
    _check(files, name, chosen)
    return _loaded(files, name), check_namespace(
        chosen.namespace or "default", f"context {plain(name)}: namespace"
    )


def user_of(context: str | None) -> str:
    """Name of the user that a context means; empty where there is none, as inside a pod."""
    try:
        files = {path: file for path in _paths() if (file := _read(path)) is not None}
        return _context(files, context)[1].user if files else ""
    except ClusterError:
        return ""


def _paths() -> list[Path]:
    """The kubeconfig files that are there.

    Raises
    ------
    ClusterError
        Whether one is there cannot be found out.
    """
    stated = os.environ.get("KUBECONFIG") or "~/.kube/config"
    found = [_if_there(part) for part in stated.split(os.pathsep) if part]
    return [path for path in found if path]


def _if_there(part: str) -> Path | None:
    try:
        path = Path(part).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError) as error:  # a folder that one may not enter; ~ of nobody
        why = (isinstance(error, OSError) and error.strerror) or "its ~ is nobody's home"
        raise ClusterError(f"kubeconfig {plain(part)}: cannot be read: {why}") from None


def _read(path: Path) -> _File | None:
    """Read one file; None if it is empty, as kubectl sees it."""
    where = f"kubeconfig {plain(path)}"
    try:
        if not path.is_file():
            raise ClusterError(f"{where}: must be a file")
        if path.stat().st_size > _MOST_BYTES:
            raise ClusterError(f"{where}: must be smaller than {_MOST_BYTES // 2**20} MiB")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ClusterError(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ClusterError(f"{where}: must be YAML in UTF-8; it is not text") from None
    return checked(_File, parsed_yaml(text, where), where) if text.strip() else None


def _context(files: dict[Path, _File], wanted: str | None) -> tuple[str, _Context]:
    """Choose the context; as for kubectl, the first file that says something wins."""
    name = (
        wanted
        if wanted is not None
        else next((f.current_context for f in files.values() if f.current_context), "")
    )
    known = {c.name: c.context for file in reversed(files.values()) for c in file.contexts}
    if name in known:
        return name, known[name]
    if wanted is None and not name:
        raise ClusterError(
            f"no Kubernetes cluster is configured: no current context is set; {_HINT}"
        )
    found = f"found {listed(known)}" if known else "found none"
    raise ClusterError(
        f"no Kubernetes cluster is configured: context {plain(name)} is not in kubeconfig "
        f"{listed(files)}; {found}"
    )


def _check(files: dict[Path, _File], name: str, context: _Context) -> None:
    """Check the cluster and the user that a context names, with the files that they name."""
    where = f"kubeconfig {listed(files)}: context {plain(name)}"
    clusters = {
        c.name: (path, c.cluster) for path, f in reversed(files.items()) for c in f.clusters
    }
    users = {u.name: (path, u.user) for path, f in reversed(files.items()) for u in f.users}
    if context.cluster not in clusters:
        raise ClusterError(f"{where}: its cluster {shown(context.cluster)} is not there")
    if context.user and context.user not in users:
        raise ClusterError(f"{where}: its user {shown(context.user)} is not there")
    path, cluster = clusters[context.cluster]
    _check_server(cluster.server, f"{where}: server")
    _check_files(cluster, ("certificate_authority",), path, where)
    if context.user:
        path, user = users[context.user]
        _check_files(user, ("client_certificate", "client_key"), path, where)
        _check_plugin(user.exec, where)


def _check_server(server: str, where: str) -> None:
    try:
        url = urlsplit(server)
        usable = (
            url.scheme in ("http", "https") and url.hostname and (url.port is None or url.port > 0)
        )
    except ValueError:
        usable = False
    if "@" in server:
        raise ClusterError(f"{where}: must be an address without user or password; it has one")
    if not usable or not server.isprintable() or " " in server:
        raise ClusterError(f"{where}: must be an http(s) address; got {shown(server)}")


def _check_files(part: Schema, keys: Iterable[str], path: Path, where: str) -> None:
    for key in keys:
        file, data = getattr(part, key), getattr(part, f"{key}_data")
        said = key.replace("_", "-")
        if data:
            if not _is_pem(data):
                raise ClusterError(f"{where}: {said}-data: must be PEM in base64; it is not")
        elif file and not os.access(path.parent.absolute() / file, os.R_OK):
            raise ClusterError(f"{where}: {said}: {plain(file)} cannot be read")


def _is_pem(data: str) -> bool:
    try:
        return b"-----BEGIN " in b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return False


def _check_plugin(plugin: _Exec | None, where: str) -> None:
    if plugin and os.sep not in plugin.command and shutil.which(plugin.command) is None:
        raise ClusterError(f"{where}: its login program {plain(plugin.command)} is not installed")


def _loaded(files: dict[Path, _File], context: str) -> client.Configuration:
    """Let the client read the files, and run a login program if they name one."""
    where = f"kubeconfig {listed(files)}: context {plain(context)}"
    configuration = client.Configuration()
    with _errors_logged() as said:
        try:
            config.load_kube_config(os.pathsep.join(map(str, files)), context, configuration)
        except Exception as error:  # whatever a parser of somebody else's meets in a file
            raise ClusterError(f"{where}: cannot be used: {plain(error)}") from None
    if said:  # the client logs what its login program did wrong, and goes on without
        raise ClusterError(f"{where}: its login program gave no credentials: {plain(said[-1])}")
    token = configuration.api_key.get("BearerToken") or ""
    if not (token.isascii() and token.isprintable()):
        raise ClusterError(f"{where}: its token must be printable ASCII characters")
    return configuration


@contextmanager
def _errors_logged() -> Iterator[list[str]]:
    """Collect what is logged at the root in place of telling it."""
    said: list[str] = []

    def collect(record: logging.LogRecord) -> bool:
        said.append(record.getMessage())
        return False

    root, nothing = logging.getLogger(), logging.NullHandler()
    root.addFilter(collect)
    root.addHandler(nothing)
    try:
        yield said
    finally:
        root.removeFilter(collect)
        root.removeHandler(nothing)


def _own_cluster() -> tuple[client.Configuration, str] | None:
    """The cluster of the pod that this runs in."""
    configuration: Any = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)
        namespace = _POD_NAMESPACE.read_text(encoding="utf-8").strip()
    except (ConfigException, OSError, UnicodeDecodeError):
        return None
    return configuration, check_namespace(namespace, str(_POD_NAMESPACE))
