"""Submitting an experiment file: check it, check the cluster, create its ConfigMap and its RayJob."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from tuner_job.cluster.kube import Kube, Object
from tuner_job.cluster.state import ENDED, state_of
from tuner_job.cluster.storage import open_results
from tuner_job.cluster.template import COMPONENT, Template, config_map, read_template
from tuner_job.config import load_experiment
from tuner_job.errors import ClusterError, ConfigError
from tuner_job.public import holds_secrets, is_url, public
from tuner_job.results.store import read_bytes
from tuner_job.wording import shown

_MOUNTED = "/etc/va-tuning/"
"""Where pods find what the chart mounts: paths below it are not looked for here."""


def build(kube: Kube, path: Path, release: str, own_cluster: bool, upload: bool) -> tuple[Object, Object]:
    """Make the ConfigMap and the RayJob of an experiment file, without creating them.

    Parameters
    ----------
    upload
        Copy data that only this machine can read beside the results.

    Raises
    ------
    ConfigError
        The file is wrong, or names what the cluster cannot read.
    ClusterError
        The cluster lacks something.
    """
    content, data = read_for_cluster(path)
    template = read_template(kube, release)
    if not is_url(str(content.get("results", ""))):
        content["results"] = template.results
    if data and not upload:
        raise ConfigError(
            f"{path}: data.source: must be an address that the cluster can read (s3://…, gs://…, az://…, https://…) or "
            f"the absolute path of a volume in its pods; got {content['data']['source']}. --upload copies it there"
        )
    if data:
        content["data"]["source"] = _upload(kube, template, content["results"], data)
    job = template.rayjob(content["name"], own_cluster)
    job["metadata"]["namespace"] = kube.namespace
    return config_map(job, yaml.safe_dump(content, sort_keys=False)), job


def submit(kube: Kube, experiment: Object, job: Object) -> None:
    """Create what `build` made, in place of an earlier run of the same name that has ended.

    Raises
    ------
    ClusterError
        Something stands in the way; nothing was created.
    """
    name = job["metadata"]["name"]
    _check_name_is_free(kube, name)
    for problem in missing(kube, job):
        raise ClusterError(f"namespace {kube.namespace}: {problem}")
    if kube.get("RayJob", name):
        kube.delete_rayjob(name)
        _wait_until_gone(kube, name)
    kube.apply_config_map(experiment)
    kube.create_rayjob(job)


def read_for_cluster(path: Path) -> tuple[dict[str, Any], Path | None]:
    """Check an experiment file and resolve what in it stands on this machine.

    Returns
    -------
    The experiment file's content, and the data file that only this machine can read, if any.
    """
    config = load_experiment(path, mounted=_MOUNTED)
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    spaces = content.get("tuning", {}).get("search_spaces")
    if not (isinstance(spaces, str) and spaces.startswith(_MOUNTED)) and config.tuning.search_spaces:
        content["tuning"]["search_spaces"] = {
            model: config.document()["tuning"]["search_spaces"][model] for model in config.tuning.search_spaces
        }
    source = content["data"].get("source")
    if source and holds_secrets(source):
        raise ConfigError(
            f"{path}: data.source: must hold no password, signature or other query, which would stand in a ConfigMap: "
            f"copy the data to a store, or here and use --upload; got {shown(public(source))}"
        )
    if source is None or is_url(source):
        return content, None
    local = Path(config.data.source or "")
    return content, local if not Path(source).is_absolute() or local.exists() else None


def _upload(kube: Kube, template: Template, results: str, data: Path) -> str:
    """Copy a data file below the results, under its digest, so that it is copied once."""
    content = read_bytes(str(data))
    where = f"data/{sha256(content).hexdigest()[:16]}-{data.name}"
    with open_results(kube, template, results) as store:
        store.create(where, content)
    return f"{results.rstrip('/')}/{where}"


def _check_name_is_free(kube: Kube, name: str) -> None:
    found = kube.get("ConfigMap", name)
    if found and (found["metadata"].get("labels") or {}).get(COMPONENT) != "experiment":
        raise ClusterError(
            f"namespace {kube.namespace}: a ConfigMap {name} that is no experiment is there; choose another `name`"
        )
    job = kube.get("RayJob", name)
    if job and state_of(job) not in ENDED:
        raise ClusterError(
            f"namespace {kube.namespace}: experiment {name} is {state_of(job)}; follow it (va-tuning logs {name} "
            f"--follow), cancel it (va-tuning cancel {name}), or choose another `name`"
        )


def missing(kube: Kube, job: Object) -> Iterator[str]:
    """Say what a RayJob names that is not there; what one may not ask for is passed over."""
    name = job["metadata"]["name"]
    for kind, wanted in sorted(set(_references(job))):
        if wanted != name and kube.may_read(kind, wanted) and kube.get(kind, wanted) is None:
            yield f"{kind} {wanted} is missing; create it, or correct the chart's values and upgrade the release"


def _references(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for value in node:
            yield from _references(value)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        match key:
            case "secretRef" | "secretKeyRef" if not value.get("optional"):
                yield "Secret", value["name"]
            case "imagePullSecrets":
                yield from (("Secret", entry["name"]) for entry in value)
            case "configMap" | "configMapRef" | "configMapKeyRef" if isinstance(value, dict):
                yield "ConfigMap", value["name"]
            case "serviceAccountName":
                yield "ServiceAccount", value
            case _:
                yield from _references(value)


def _wait_until_gone(kube: Kube, name: str) -> None:
    from tuner_job.cluster.follow import wait_for

    if not wait_for(lambda: kube.get("RayJob", name) is None, seconds=60):
        raise ClusterError(
            f"namespace {kube.namespace}: the ended RayJob {name} must be gone 60 s after its deletion; it is not"
        )
