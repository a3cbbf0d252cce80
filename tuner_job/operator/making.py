"""From what is asked for to the objects that run it: the same as `va-tuning submit` makes, and
owned."""

from collections.abc import Iterator
from typing import Any

from tuner_job.cluster.kube import Kube, RefusedError
from tuner_job.cluster.objects import ConfigMap, Object, RayJob
from tuner_job.cluster.owner import give_to
from tuner_job.cluster.references import missing
from tuner_job.cluster.template import Template, of_rayjob
from tuner_job.config.decisive import differences
from tuner_job.errors import ClusterError
from tuner_job.operator.asked import Asked, digest_of
from tuner_job.operator.resource import SPEC, TuningExperiment
from tuner_job.operator.results import Results
from tuner_job.results.lease import RAYJOB_UID
from tuner_job.wording import listed

_CONFLICT = 409
_QUEUE = "kueue.x-k8s.io/queue-name"


class RefusalError(ClusterError):
    """The experiment cannot be begun as things are.

    Attributes
    ----------
    reason
        In one word, as conditions have it.
    """

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


def objects_of(
    asked_for: TuningExperiment, asked: Asked, template: Template, namespace: str
) -> tuple[Object, Object]:
    """Return the ConfigMap and the RayJob of an experiment, owned by its object."""
    spec = asked_for.spec
    template = template.of_image(spec.image)
    experiment, job = template.objects_of(asked.content, spec.modules, namespace, spec.own_cluster)
    give_to(spec.owner.strip(), experiment, job)
    for made in (experiment, job):
        made["metadata"] = {
            **made["metadata"],
            "annotations": {
                **made["metadata"].get("annotations", {}),
                SPEC: digest_of(asked_for),
            },
            "ownerReferences": [asked_for.owner_reference()],
        }
    if spec.queue_name:
        job["metadata"]["labels"] = {**job["metadata"]["labels"], _QUEUE: spec.queue_name}
    if spec.priority_class_name:
        for pod in _pods(job):
            pod["priorityClassName"] = spec.priority_class_name
    return experiment, job


def begin(
    kube: Kube,
    asked_for: TuningExperiment,
    job: Object,
    earlier: ConfigMap | None,
) -> RayJob:
    """Create the RayJob, whose pods wait for the ConfigMap.

    Parameters
    ----------
    earlier
        The ConfigMap of an earlier run; any other of the name is somebody else's.

    Raises
    ------
    RefusalError
        Something of that name is somebody else's, what the RayJob names is missing, or the API
        server refuses it.
    """
    name = asked_for.metadata.name
    if kube.get(RayJob, name):
        raise name_taken(name)
    there = kube.get(ConfigMap, name)
    if there and not (earlier and _is_same(there, earlier) and there.is_of(name)):
        raise _config_map_taken(name)
    for problem in missing(kube, job):
        raise RefusalError("NotReady", problem)
    if earlier:
        kube.delete(earlier)
    try:
        run = kube.create(RayJob, job)
    except RefusedError as error:
        if error.status >= 500:
            raise
        if error.status != _CONFLICT:
            raise RefusalError("Refused", str(error)) from None
        raise name_taken(name) from None
    return run


def bring(kube: Kube, experiment: Object, run: RayJob) -> str:
    """Create the ConfigMap that a RayJob's pods wait for; return why the API server refuses it.

    Raises
    ------
    RefusalError
        One that is somebody else's has its name.
    """
    try:
        kube.create(ConfigMap, of_rayjob(experiment, run))
    except RefusedError as error:
        if error.status >= 500:
            raise
        if error.status != _CONFLICT:
            return str(error)
        there = kube.get(ConfigMap, run.metadata.name)
        if not (there and is_for(there, run)):
            raise _config_map_taken(run.metadata.name) from None
    return ""


def is_for(experiment: ConfigMap, run: RayJob) -> bool:
    """Whether a ConfigMap was made for this very run."""
    return experiment.data.get(RAYJOB_UID) == run.metadata.uid


def name_taken(name: str) -> RefusalError:
    """Say that a RayJob of this name was made by somebody else."""
    return RefusalError(
        "NameTaken",
        f"a RayJob {name} is there that was not made for this object: wait for its end, cancel it "
        f"(va-tuning cancel {name}), or choose another name",
    )


def _config_map_taken(name: str) -> RefusalError:
    return RefusalError(
        "NameTaken",
        f"a ConfigMap {name} is there that was not made for this object: delete it (kubectl delete "
        f"configmap {name}), or choose another name",
    )


def _is_same(one: ConfigMap, other: ConfigMap) -> bool:
    return one.metadata.uid == other.metadata.uid


def check_same(asked: Asked, results: Results, url: str) -> None:
    """Check that results of the same name are results of this experiment, if the store says so.

    Raises
    ------
    RefusalError
        They are another one's.
    """
    before = results.document(url, asked.config.name)
    changed = differences(before, asked.config.document()) if before else []
    if changed:
        raise RefusalError(
            "Changed",
            f"{url}/{asked.config.name}: holds results of another experiment ({listed(changed)}): "
            "give the changed one another name, or another spec.experiment.results; more trials, "
            "more models and another budget go on under the same name",
        )


def _pods(job: Object) -> Iterator[Any]:
    """The pods' specs of a RayJob with a cluster of its own."""
    cluster = job["spec"].get("rayClusterSpec", {})
    groups = [cluster.get("headGroupSpec"), *cluster.get("workerGroupSpecs", [])]
    templates = [job["spec"].get("submitterPodTemplate"), *(g["template"] for g in groups if g)]
    yield from (template["spec"] for template in templates if template)
