"""From the chart's RayJob template and an experiment to the objects that run it."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from tuner_job.cluster.kube import Kube
from tuner_job.cluster.objects import (
    EXPERIMENT,
    OF_EXPERIMENTS,
    ConfigMap,
    Object,
    Schema,
    checked,
    parsed_yaml,
)
from tuner_job.errors import ClusterError
from tuner_job.wording import plain

_PLACEHOLDER = "va-tuning/placeholder"
MOST_BYTES = 2**20
"""Of a ConfigMap's values."""


class KeyOf(Schema):
    """A key of a Secret or ConfigMap."""

    name: str
    key: str
    optional: bool = False


class SecretOf(Schema):
    """A Secret whose keys are variables."""

    name: str
    optional: bool = False


class ValueFrom(Schema):
    """Where a variable's value comes from."""

    secret_key_ref: KeyOf | None = None


class Variable(Schema):
    """An environment variable."""

    name: str
    value: str | None = None
    value_from: ValueFrom = ValueFrom()


class EnvFrom(Schema):
    """Where several variables come from."""

    secret_ref: SecretOf | None = None


class HeadContainer(Schema):
    """The head's container: its environment reaches the store."""

    env: list[Variable] = []
    env_from: list[EnvFrom] = []


class _HeadSpec(Schema):
    containers: Annotated[list[HeadContainer], Field(min_length=1)]


class _HeadTemplate(Schema):
    spec: _HeadSpec


class _HeadGroup(Schema):
    template: _HeadTemplate


class _RayClusterSpec(Schema):
    head_group_spec: _HeadGroup


class _Spec(Schema):
    entrypoint: str
    ray_cluster_spec: _RayClusterSpec | None = None
    cluster_selector: dict[str, str] = {}


class _Metadata(Schema):
    name: str
    labels: dict[str, str]


class _RayJob(Schema):
    api_version: Literal["ray.io/v1"]
    kind: Literal["RayJob"]
    metadata: _Metadata
    spec: _Spec


@dataclass(frozen=True)
class Template:
    """What the chart says of a RayJob.

    Attributes
    ----------
    results
        Where results go unless the experiment says otherwise.
    own_cluster, installed
        A RayJob that brings its own Ray cluster, and one for the installed cluster, if there is
        one.
    placeholder
        Stands for the experiment's name in both.
    head
        The head's container, as an experiment's own cluster has it.
    """

    results: str
    own_cluster: Object
    installed: Object | None
    placeholder: str
    head: HeadContainer

    def rayjob(self, name: str, own_cluster: bool) -> Object:
        """Return the RayJob of an experiment.

        Raises
        ------
        ClusterError
            There is no installed cluster to run on.
        """
        chosen = self.own_cluster if own_cluster else self.installed
        if chosen is None:
            raise ClusterError(
                "the chart was installed without a Ray cluster (cluster.enabled=false); use "
                "--own-cluster, so that the experiment brings its own"
            )
        job: Object = fill_in(chosen, self.placeholder, name)
        return job


def read_template(kube: Kube, release: str) -> Template:
    """Read the template of a release.

    Raises
    ------
    ClusterError
        The namespace or the release is not there, or its template is not what the chart makes.
    """
    name = f"{release}-rayjob"
    found = kube.get(ConfigMap, name)
    if found is None:
        if not kube.has_namespace():
            raise ClusterError(
                f"namespace {kube.namespace}: is not there; name another one with --namespace"
            )
        raise ClusterError(
            f"namespace {kube.namespace}: holds no release {release} of va-tuning (no ConfigMap "
            f"{name}); install it (helm install {release} charts/va-tuning --namespace "
            f"{kube.namespace}), or name another one with --namespace and --release"
        )
    where = f"namespace {kube.namespace}: ConfigMap {name}"
    placeholder = found.metadata.annotations.get(_PLACEHOLDER)
    results = found.data.get("results")
    if not placeholder or not results:
        lacking = f"the annotation {_PLACEHOLDER}" if not placeholder else "the key results"
        raise ClusterError(
            f"{where}: must have {lacking}, as the chart writes it; upgrade the release"
        )
    own, own_read = _read_rayjob(
        found.data.get("rayjob.yaml", ""), f"{where}: rayjob.yaml", placeholder
    )
    if own_read.spec.ray_cluster_spec is None:
        raise ClusterError(
            f"{where}: rayjob.yaml: must have spec.rayClusterSpec; upgrade the release"
        )
    installed = found.data.get("rayjob-installed.yaml")
    return Template(
        results,
        own,
        _read_rayjob(installed, f"{where}: rayjob-installed.yaml", placeholder)[0]
        if installed
        else None,
        placeholder,
        own_read.spec.ray_cluster_spec.head_group_spec.template.spec.containers[0],
    )


def _read_rayjob(text: str, where: str, placeholder: str) -> tuple[Object, _RayJob]:
    """Read a template; what is made of it must be recognised as an experiment afterwards."""
    content = parsed_yaml(text, where)
    read = checked(_RayJob, content, where)
    wanted = OF_EXPERIMENTS | {EXPERIMENT: placeholder}
    if read.metadata.name != placeholder or not wanted.items() <= read.metadata.labels.items():
        raise ClusterError(
            f"{where}: its name and label {EXPERIMENT} must be {plain(placeholder)}, and its other "
            "labels an experiment's, as the chart writes them; upgrade the release"
        )
    return content, read


def fill_in(node: Any, placeholder: str, name: str) -> Any:
    """Replace every scalar that equals the placeholder."""
    if isinstance(node, dict):
        return {key: fill_in(value, placeholder, name) for key, value in node.items()}
    if isinstance(node, list):
        return [fill_in(value, placeholder, name) for value in node]
    return name if node == placeholder else node


def config_map(job: Object, experiment: str) -> Object:
    """Return the ConfigMap that brings an experiment file to its RayJob.

    Raises
    ------
    ClusterError
        The file is larger than a ConfigMap may be.
    """
    metadata = {
        key: job["metadata"][key]
        for key in ("name", "namespace", "labels")
        if key in job["metadata"]
    }
    if (size := len(experiment.encode())) > MOST_BYTES:
        raise ClusterError(
            f"experiment {metadata['name']}: must be at most {MOST_BYTES:,} bytes, as a ConfigMap "
            f"brings it to the cluster; it is {size:,} bytes long with its search spaces"
        )
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"experiment.yaml": experiment},
    }
