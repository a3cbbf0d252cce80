"""What a RayJob names and needs: Secrets, ConfigMaps, ServiceAccounts."""

from collections.abc import Iterator
from typing import Any

from tuner_job.cluster.kube import Kube, RefusedError
from tuner_job.cluster.objects import ConfigMap, Named, Object, Secret, ServiceAccount

_FORBIDDEN = 403
_KINDS: dict[str, type[Named]] = {kind.KIND: kind for kind in (Secret, ConfigMap, ServiceAccount)}


def missing(kube: Kube, job: Object) -> Iterator[str]:
    """Say what a RayJob names that is not there; what one may not ask for is passed over."""
    name = job["metadata"]["name"]
    for kind, wanted in sorted(set(_references(job))):
        if wanted != name and _is_missing(kube, _KINDS[kind], wanted):
            yield f"{kind} {wanted} is missing; create it, or correct the chart's values and upgrade the release"


def _is_missing(kube: Kube, kind: type[Named], name: str) -> bool:
    try:
        return kube.get(kind, name) is None
    except RefusedError as error:
        if error.status == _FORBIDDEN:
            return False
        raise


def _references(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for value in node:
            yield from _references(value)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        match key:
            case "secretRef" | "secretKeyRef" if isinstance(value, dict) and not value.get(
                "optional"
            ):
                yield from _named("Secret", value)
            case "imagePullSecrets" if isinstance(value, list):
                for entry in value:
                    yield from _named("Secret", entry)
            case "configMap" | "configMapRef" | "configMapKeyRef" if isinstance(value, dict):
                yield from _named("ConfigMap", value)
            case "serviceAccountName" if isinstance(value, str):
                yield "ServiceAccount", value
            case _:
                yield from _references(value)


def _named(kind: str, reference: Any) -> Iterator[tuple[str, str]]:
    if isinstance(reference, dict) and isinstance(name := reference.get("name"), str):
        yield kind, name
