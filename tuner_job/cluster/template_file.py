"""The chart's RayJob template in a file: what Helm rendered, or what was read of a cluster once."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tuner_job.cluster.names import check_namespace
from tuner_job.cluster.objects import ConfigMap, Schema, checked, parsed_yaml
from tuner_job.cluster.template import PLACEHOLDER, Located, template_in
from tuner_job.errors import ClusterError
from tuner_job.wording import plain

_MOST_BYTES = 2**24
_DOCUMENT = re.compile(r"^---.*$", re.MULTILINE)
_HOW = (
    "it is what `helm template RELEASE charts/va-tuning --namespace NAMESPACE --api-versions "
    "ray.io/v1/RayCluster` prints with your values, or `kubectl get configmap RELEASE-rayjob "
    "--output yaml`"
)


class _Kind(Schema):
    kind: str = ""


class _Placed(Schema):
    namespace: str = ""


class _Whole(Schema):
    metadata: _Placed = _Placed()


def read_template_file(path: Path, namespace: str | None) -> Located:
    """Find the template among the objects that a file holds; ``-`` is standard input.

    Parameters
    ----------
    namespace
        Where what is made of it goes; None: where the template says, or nowhere in particular.

    Raises
    ------
    ClusterError
        The file cannot be read, or holds no template, or several.
    """
    where = "standard input" if str(path) == "-" else f"--template {plain(path)}"
    found = list(_templates(_text(path, where), where))
    if len(found) != 1:
        number = f"{len(found)} of them" if found else "none"
        raise ClusterError(
            f"{where}: must hold one ConfigMap with the chart's RayJob template; it holds "
            f"{number}: {_HOW}"
        )
    (experiment, stated) = found[0]
    template = template_in(experiment, f"{where}: ConfigMap {plain(experiment.metadata.name)}")
    own = stated and check_namespace(stated, f"{where}: namespace")
    return Located(template, namespace or own)


def _templates(text: str, where: str) -> Iterator[tuple[ConfigMap, str]]:
    """The ConfigMaps that are templates, and the namespace of each."""
    for part in _DOCUMENT.split(text):
        if PLACEHOLDER not in part:
            continue
        content = parsed_yaml(part, where)
        if checked(_Kind, content, where).kind == "ConfigMap":
            found = checked(ConfigMap, content, where)
            if PLACEHOLDER in found.metadata.annotations:
                yield found, checked(_Whole, content, where).metadata.namespace


def _text(path: Path, where: str) -> str:
    try:
        if str(path) == "-" and sys.stdin is None:  # so Python has it where it was closed
            raise ClusterError(f"{where}: is closed; name a file")
        if str(path) == "-":
            content = sys.stdin.buffer.read(_MOST_BYTES + 1)
        elif path.is_file():
            with path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        else:
            raise ClusterError(f"{where}: must be a file; {_HOW}")
        if len(content) > _MOST_BYTES:
            raise ClusterError(f"{where}: must be smaller than {_MOST_BYTES // 2**20} MiB")
        return content.decode()
    except OSError as error:
        raise ClusterError(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ClusterError(f"{where}: must be YAML in UTF-8; it is not text") from None
