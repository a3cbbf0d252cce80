"""Who submitted an experiment: a label to select by, an annotation with the whole name, and a
variable that the run tells it by."""

import os
import re
from typing import Any

from tuner_job.cluster.objects import Named, Object
from tuner_job.errors import ClusterError
from tuner_job.process.owner import OWNER as VARIABLE
from tuner_job.wording import plain, shown

OWNER = "va-tuning/owner"
"""Label, and annotation."""
_LONGEST_LABEL = 63
_LONGEST = 200


def check_owner(name: str) -> str:
    """Return the name of somebody.

    Raises
    ------
    ClusterError
        It is empty, long, or holds control characters.
    """
    name = name.strip()
    if name and len(name) <= _LONGEST and name.isprintable():
        return name
    raise ClusterError(
        f"--owner: must be 1 to {_LONGEST} printable characters; got {shown(name, 40)}"
    )


def whoever_submits(context: str | None) -> str:
    """Say who submits from here: the variable's value, else the user of the kubeconfig's context;
    empty if neither says."""
    from tuner_job.cluster.kubeconfig import user_of  # brings Kubernetes' client

    return plain(os.environ.get(VARIABLE, "").strip() or user_of(context))[:_LONGEST]


def as_label(name: str) -> str:
    """Return what of a name may stand in a label; empty if nothing may."""
    fit = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
    return fit.strip("-_.")[:_LONGEST_LABEL].rstrip("-_.")


def owner_of(found: Named) -> str:
    """Say who submitted what was found; empty where nobody said."""
    about = found.metadata
    return about.annotations.get(OWNER, "") or about.labels.get(OWNER, "")


def is_of(told: str, owner: str) -> bool:
    """Whether what is told as an owner, be it a label only, is that one."""
    return bool(told) and told in (owner, as_label(owner))


def give_to(owner: str, experiment: Object, job: Object) -> None:
    """Say in a ConfigMap and its RayJob who submits them; with an empty name nothing is said."""
    if not owner:
        return
    for made in (experiment, job):
        about = made["metadata"]
        about["annotations"] = {**about.get("annotations", {}), OWNER: owner}
        if label := as_label(owner):
            about["labels"] = {**about["labels"], OWNER: label}
    for container in _submitters(job):
        variable = {"name": VARIABLE, "value": owner.replace("$(", "$$(")}
        others = [one for one in container.get("env", []) if one.get("name") != VARIABLE]
        container["env"] = [*others, variable]


def _submitters(job: Object) -> list[dict[str, Any]]:
    """Containers of the pod that submits the RayJob's entrypoint."""
    spec = job["spec"].get("submitterPodTemplate", {}).get("spec", {})
    return [one for one in spec.get("containers", []) if isinstance(one, dict)]
