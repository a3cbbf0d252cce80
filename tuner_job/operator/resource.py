"""What is read of a `TuningExperiment`: what somebody asked for, and what was said of it."""

from typing import Any, ClassVar

from pydantic import Field

from tuner_job.cluster.objects import Named, Object, Schema

GROUP = "va-tuning.io"
VERSION = "v1alpha1"
KIND = "TuningExperiment"
SPEC = f"{GROUP}/spec"
"""Annotation of a RayJob: the digest of what it was made of."""


class Spec(Schema):
    """What somebody asked for."""

    experiment: Object
    modules: dict[str, str] = {}
    suspend: bool = False
    own_cluster: bool = False
    image: str = ""
    queue_name: str = ""
    priority_class_name: str = ""
    ttl_seconds_after_finished: int | None = Field(None, ge=0)
    owner: str = ""


class TuningExperiment(Named):
    """An experiment as an object of the cluster."""

    API: ClassVar[str] = f"apis/{GROUP}/{VERSION}"
    spec: Spec
    status: dict[str, Any] = {}

    @property
    def state(self) -> str:
        """What was said of it last; empty: nothing yet."""
        return str(self.status.get("state", ""))

    def reference(self) -> Object:
        """How others name it."""
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "name": self.metadata.name,
            "uid": self.metadata.uid,
        }

    def owner_reference(self) -> Object:
        """What makes an object its own, so that it goes when this is deleted."""
        return self.reference() | {"controller": True}

    def owns(self, found: Named) -> bool:
        """Whether an object was made for this one."""
        return found.metadata.is_owned_by(self.metadata.uid)
