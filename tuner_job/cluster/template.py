"""From the chart's RayJob template and an experiment to the objects that run it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import Field

from tuner_job.cluster.kube import Kube
from tuner_job.cluster.objects import (
    EXPERIMENT,
    OF_EXPERIMENTS,
    ConfigMap,
    Object,
    RayJob,
    Schema,
    checked,
    parsed_yaml,
)
from tuner_job.errors import ClusterError
from tuner_job.public import is_remote
from tuner_job.results.lease import RAYJOB_UID
from tuner_job.wording import plain

PLACEHOLDER = "va-tuning/placeholder"
"""Annotation of the template's ConfigMap: what stands for the experiment's name in it."""
_QUEUE = "kueue.x-k8s.io/queue-name"
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

    image: str = ""
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

    def of_image(self, image: str) -> "Template":
        """The same, with another image for the pods of an experiment's own cluster; empty: that of
        the release."""
        if not image:
            return self
        return replace(self, own_cluster=fill_in(self.own_cluster, self.head.image, image))

    @property
    def queue(self) -> str:
        """Kueue's queue for experiments with a cluster of their own; empty: there is none."""
        return str(self.own_cluster["metadata"].get("labels", {}).get(_QUEUE, ""))

    def results_of(self, content: Object) -> str:
        """Where the results of an experiment go: a folder would be one of its pods."""
        said = str(content.get("results", ""))
        return said if is_remote(said) else self.results

    def objects_of(
        self, content: Object, own_modules: Mapping[str, str], namespace: str, own_cluster: bool
    ) -> tuple[Object, Object]:
        """Return the ConfigMap and the RayJob of what an experiment file holds, and of the texts of
        the own modules that stand beside it.

        Raises
        ------
        ClusterError
            As `rayjob` and `config_map` do.
        """
        whole = content | {"results": self.results_of(content)}
        job = self.rayjob(content["name"], own_cluster)
        if namespace:
            job["metadata"]["namespace"] = namespace
        else:
            job["metadata"].pop("namespace", None)
        return config_map(job, yaml.safe_dump(whole, sort_keys=False), own_modules), job


class Located(NamedTuple):
    """A template, and the namespace that what is made of it goes to; empty: nobody said."""

    template: Template
    namespace: str


def read_template(kube: Kube, release: str) -> Template:
    """Read the template of a release.

    Raises
    ------
    ClusterError
        As `find_template` and `template_in` do.
    """
    return template_of(find_template(kube, release), kube)


def template_of(found: ConfigMap, kube: Kube) -> Template:
    """Return the template that a ConfigMap of the cluster holds; see `template_in`."""
    return template_in(found, f"namespace {kube.namespace}: ConfigMap {found.metadata.name}")


def find_template(kube: Kube, release: str) -> ConfigMap:
    """Find what the chart says of a release's RayJobs.

    Raises
    ------
    ClusterError
        The namespace or the release is not there.
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
    return found


def template_in(found: ConfigMap, where: str) -> Template:
    """Return the template that a ConfigMap holds; `where` names that in messages.

    Raises
    ------
    ClusterError
        It is not what the chart makes.
    """
    placeholder = found.metadata.annotations.get(PLACEHOLDER)
    results = (found.data.get("results") or "").rstrip("/")
    if not placeholder or not results:
        lacking = f"the annotation {PLACEHOLDER}" if not placeholder else "the key results"
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


def config_map(
    job: Object, experiment: str, own_modules: Mapping[str, str] = MappingProxyType({})
) -> Object:
    """Return the ConfigMap that brings an experiment file to its RayJob, and own modules beside it.

    Raises
    ------
    ClusterError
        They are larger than a ConfigMap may be.
    """
    metadata = {
        key: job["metadata"][key]
        for key in ("name", "namespace", "labels")
        if key in job["metadata"]
    }
    modules = {f"{name}.py": text for name, text in own_modules.items()}
    files = {"experiment.yaml": experiment, **modules}
    if (size := sum(len(text.encode()) for text in files.values())) > MOST_BYTES:
        raise ClusterError(
            f"experiment {metadata['name']}: must be at most {MOST_BYTES:,} bytes, as a ConfigMap "
            f"brings it to the cluster; it is {size:,} bytes long with its search spaces"
            f"{' and own modules' if modules else ''}"
        )
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": files}


def of_rayjob(experiment: Object, job: RayJob) -> Object:
    """Say in an experiment's ConfigMap which RayJob it is for: a run that begins again after a
    fault is known by it. It goes with the RayJob, if nothing else owns it: so who submits needs no
    right to delete ConfigMaps, the release's own among them."""
    name, uid = job.metadata.name, job.metadata.uid
    version = RayJob.API.removeprefix("apis/")
    owner = {"apiVersion": version, "kind": job.KIND, "name": name, "uid": uid}
    return {
        **experiment,
        "metadata": {"ownerReferences": [owner], **experiment["metadata"]},
        "data": {**experiment["data"], RAYJOB_UID: uid},
    }
