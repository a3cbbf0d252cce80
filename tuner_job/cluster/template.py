"""From the chart's RayJob template and an experiment to the objects that run it."""

from dataclasses import dataclass
from typing import Any

import yaml

from tuner_job.cluster.kube import Kube, Object
from tuner_job.errors import ClusterError

COMPONENT = "app.kubernetes.io/component"
EXPERIMENT = "va-tuning/experiment"
_PLACEHOLDER = "va-tuning/placeholder"
OF_EXPERIMENTS = f"app.kubernetes.io/part-of=va-tuning,{COMPONENT}=experiment"
"""Selects the ConfigMaps and RayJobs of experiments."""


@dataclass(frozen=True)
class Template:
    """What the chart says of a RayJob.

    Attributes
    ----------
    results
        Where results go unless the experiment says otherwise.
    own_cluster, installed
        A RayJob that brings its own Ray cluster, and one for the installed cluster, if there is one.
    placeholder
        Stands for the experiment's name in both.
    """

    results: str
    own_cluster: Object
    installed: Object | None
    placeholder: str

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
                "the chart was installed without a Ray cluster (cluster.enabled=false); use --own-cluster, so that the "
                "experiment brings its own"
            )
        job: Object = fill_in(chosen, self.placeholder, name)
        return job

    @property
    def head(self) -> Object:
        """The head's container, as an experiment's own cluster has it: its environment reaches the store."""
        pod = self.own_cluster["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
        container: Object = pod["containers"][0]
        return container


def read_template(kube: Kube, release: str) -> Template:
    """Read the template of a release.

    Raises
    ------
    ClusterError
        The namespace or the release is not there.
    """
    found = kube.get("ConfigMap", f"{release}-rayjob")
    if found is None:
        if not kube.has_namespace():
            raise ClusterError(f"namespace {kube.namespace}: is not there; name another one with --namespace")
        raise ClusterError(
            f"namespace {kube.namespace}: holds no release {release} of va-tuning (no ConfigMap {release}-rayjob); "
            f"install it (helm install {release} charts/va-tuning --namespace {kube.namespace}), or name another "
            "one with --namespace and --release"
        )
    data = found["data"]
    installed = data.get("rayjob-installed.yaml")
    return Template(
        data["results"],
        yaml.safe_load(data["rayjob.yaml"]),
        yaml.safe_load(installed) if installed else None,
        found["metadata"]["annotations"][_PLACEHOLDER],
    )


def fill_in(node: Any, placeholder: str, name: str) -> Any:
    """Replace every scalar that equals the placeholder."""
    if isinstance(node, dict):
        return {key: fill_in(value, placeholder, name) for key, value in node.items()}
    if isinstance(node, list):
        return [fill_in(value, placeholder, name) for value in node]
    return name if node == placeholder else node


def config_map(job: Object, experiment: str) -> Object:
    """Return the ConfigMap that brings an experiment file to its RayJob."""
    metadata = {key: job["metadata"][key] for key in ("name", "namespace", "labels") if key in job["metadata"]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"experiment.yaml": experiment}}
