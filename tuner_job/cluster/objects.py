"""What is read of Kubernetes' objects, checked once, where an answer comes in.

Fields that are read are declared here; an answer that lacks one, or has another type there, is
refused in one sentence. ``null`` counts as absent, as it does in Kubernetes.
"""

from typing import Any, ClassVar, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from tuner_job.errors import ClusterError, ConfigError
from tuner_job.files.yaml_file import parse_yaml
from tuner_job.schema import sentences

Object = dict[str, Any]
"""A Kubernetes object as its YAML would say it."""
COMPONENT = "app.kubernetes.io/component"
EXPERIMENT = "va-tuning/experiment"
OF_EXPERIMENTS = {"app.kubernetes.io/part-of": "va-tuning", COMPONENT: "experiment"}
"""Labels of the ConfigMaps and RayJobs of experiments."""
_M = TypeVar("_M", bound=BaseModel)


class Schema(BaseModel):
    """What is declared of a part of an object; all else is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, content: Any) -> Any:
        if isinstance(content, dict):
            return {key: value for key, value in content.items() if value is not None}
        return content


class OwnerReference(Schema):
    """Whose an object is: it goes when that goes."""

    kind: str = ""
    name: str = ""
    uid: str = ""


class Metadata(Schema):
    """Who an object is."""

    name: str = Field(min_length=1)
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    owner_references: list[OwnerReference] = []
    creation_timestamp: AwareDatetime | None = None
    deletion_timestamp: AwareDatetime | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}

    def is_owned_by(self, uid: str) -> bool:
        """Whether the object goes when one with this uid goes."""
        return any(one.uid == uid for one in self.owner_references)


class Listed(Schema):
    """What the API has lists of; the class has the kind's name."""

    KIND: ClassVar[str]
    API: ClassVar[str] = "api/v1"
    PLURAL: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Name the kind as the class, and its list as Kubernetes does."""
        cls.KIND = cls.__name__
        cls.PLURAL = f"{cls.KIND.lower()}s"


class Named(Listed):
    """A whole object."""

    metadata: Metadata

    def is_of(self, experiment: str) -> bool:
        """Whether this belongs to that experiment, by its labels."""
        wanted = OF_EXPERIMENTS | {EXPERIMENT: experiment}
        return wanted.items() <= self.metadata.labels.items()

    def must_be_of(self, experiment: str, namespace: str) -> Self:
        """Return this if it belongs to that experiment.

        Raises
        ------
        ClusterError
            It is somebody else's.
        """
        if self.is_of(experiment):
            return self
        raise ClusterError(
            f"namespace {namespace}: {self.KIND} {experiment} is not an experiment of va-tuning "
            f"(it lacks the label {EXPERIMENT}={experiment}, or {COMPONENT}=experiment); it is "
            "left alone: choose another `name`"
        )


class ConfigMap(Named):
    """A ConfigMap."""

    data: dict[str, str] = {}


class Secret(Named):
    """A Secret; its values are in base64."""

    data: dict[str, str] = Field({}, repr=False)


class ServiceAccount(Named):
    """A ServiceAccount."""


class ServicePort(Schema):
    """One port of a Service; None as its target is the same number."""

    port: int
    target_port: int | str | None = None


class ServiceSpec(Schema):
    """Which pods a Service leads to."""

    selector: dict[str, str] = {}
    ports: list[ServicePort] = []


class Service(Named):
    """A Service."""

    spec: ServiceSpec


class ContainerPort(Schema):
    """A port that a container names."""

    name: str = ""
    container_port: int


class Resources(Schema):
    """What a container asks for."""

    requests: dict[str, str | int | float] = {}


class Container(Schema):
    """A container of a pod."""

    resources: Resources = Resources()
    ports: list[ContainerPort] = []


class PodSpec(Schema):
    """What a pod runs."""

    containers: list[Container] = []


class Reason(Schema):
    """Why something is as it is."""

    reason: str = ""
    message: str = ""


class ContainerState(Schema):
    """At most one of these is there."""

    waiting: Reason | None = None
    terminated: Reason | None = None


class ContainerStatus(Schema):
    """What a container does, and did before its last restart."""

    image: str = ""
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class Condition(Schema):
    """A condition of a pod."""

    type: str
    status: str
    message: str = "no node suits it"


class PodStatus(Schema):
    """What a pod does."""

    phase: str = ""
    conditions: list[Condition] = []
    init_container_statuses: list[ContainerStatus] = []
    container_statuses: list[ContainerStatus] = []


class Pod(Named):
    """A pod."""

    spec: PodSpec
    status: PodStatus


class Reference(Schema):
    """What an event is about."""

    kind: str = ""
    name: str = ""


class Event(Named):
    """Something that has happened to an object."""

    type: str = ""
    reason: str = ""
    message: str = ""
    involved_object: Reference


class OwnCluster(Schema):
    """A Ray cluster of a RayJob's own: that there is one is all that is read of it."""


class RayJobSpec(Schema):
    """Where a RayJob runs: on a cluster with these labels, or on one of its own."""

    cluster_selector: dict[str, str] = {}
    ray_cluster_spec: OwnCluster | None = None
    ttl_seconds_after_finished: int = 0


class RayJobStatus(Schema):
    """How a RayJob is doing, in KubeRay's words."""

    job_deployment_status: str = ""
    job_status: str = ""
    ray_cluster_name: str = ""
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    message: str = ""
    reason: str = ""


class RayJob(Named):
    """A RayJob; before KubeRay has looked at it it has no status."""

    API = "apis/ray.io/v1"
    spec: RayJobSpec
    status: RayJobStatus = RayJobStatus()


class Page(Schema):
    """How a list goes on; empty: it does not."""

    next_page: str = Field("", alias="continue")


class Items(Schema):
    """A list of objects, or a page of it."""

    items: list[Any]
    metadata: Page = Page()


def checked(model: type[_M], content: Any, where: str) -> _M:
    """Return the declared part of something that was read.

    Raises
    ------
    ClusterError
        It lacks something or has other types; `where` says what was read and of whom.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        said = sentences(error, values=False)[0]
    except RecursionError:
        said = "it is nested too deeply"
    raise ClusterError(f"{where} cannot be used: {said}")


def parsed_yaml(text: str, where: str) -> Object:
    """Read YAML with keys and values that stands in an object.

    Raises
    ------
    ClusterError
        It is not such YAML.
    """
    try:
        return parse_yaml(text, where)
    except ConfigError as error:
        raise ClusterError(str(error)) from None
