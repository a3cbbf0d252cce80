"""Submitting an experiment file: check it, check the cluster, create its RayJob and its
ConfigMap."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner_job.address import out_of_reach
from tuner_job.cluster.cancel import ReplacedError, delete_ours, wait_until_gone
from tuner_job.cluster.follow import find_job
from tuner_job.cluster.kube import Kube, RefusedError
from tuner_job.cluster.objects import ConfigMap, Object, RayJob
from tuner_job.cluster.owner import give_to
from tuner_job.cluster.references import missing
from tuner_job.cluster.state import ENDED, state_of
from tuner_job.cluster.storage import check_remote, open_results
from tuner_job.cluster.template import Located, Template, of_rayjob
from tuner_job.cluster.upload import Upload, plan_upload
from tuner_job.config.load import load_experiment
from tuner_job.errors import ClusterError, ConfigError
from tuner_job.files.whole import local_path
from tuner_job.files.yaml_file import read_yaml
from tuner_job.public import holds_secrets, is_remote, public
from tuner_job.wording import plain, shown

_log = logging.getLogger(__name__)

_MOUNTED = "/etc/va-tuning/"
"""Where pods find what the chart mounts: paths below it are not looked for here."""
_ABSENT, _CONFLICT = 404, 409


@dataclass(frozen=True)
class Submission:
    """What an experiment file becomes on the cluster."""

    template: Template
    experiment: Object
    """The ConfigMap."""
    job: Object
    """The RayJob."""
    results: str
    upload: Upload | None
    """Data that are to be copied there first."""
    notes: list[str]
    """What whoever submits should know."""

    @property
    def name(self) -> str:
        """The experiment's name."""
        name: str = self.job["metadata"]["name"]
        return name


@dataclass(frozen=True)
class Asked:
    """What is asked of a submission.

    Attributes
    ----------
    own_cluster
        It is to bring a Ray cluster of its own.
    upload
        Data that only this machine can read are to be copied below the experiment's results.
    owner
        Who submits it; empty: nobody says.
    image
        Of the pods of its own cluster; empty: that of the release.
    """

    own_cluster: bool = False
    upload: bool = False
    owner: str = ""
    image: str = ""


def build(path: Path, asked: Asked, locate: Callable[[], Located]) -> Submission:
    """Make the ConfigMap and the RayJob of an experiment file, without creating or copying
    anything.

    Parameters
    ----------
    locate
        Finds the release's template, once the file is known to be right.

    Raises
    ------
    ConfigError
        The file is wrong, or names what the cluster cannot read.
    ClusterError
        The cluster lacks something.
    """
    content, own_modules, data = read_for_cluster(path)
    if asked.image and not asked.own_cluster:
        raise ConfigError(
            f"--image {plain(asked.image)}: needs --own-cluster, as pods of the installed cluster "
            "run already"
        )
    located, namespace = locate()
    template = located.of_image(asked.image)
    content["results"] = template.results_of(content)
    if data and not asked.upload:
        raise ConfigError(
            f"{path}: data.source: must be an address that the cluster can read (s3://…, gs://…, "
            "az://…, https://…) or the absolute path of a volume in its pods; got "
            f"{plain(content['data']['source'])}. --upload copies it there"
        )
    planned = None
    if data:
        results = check_remote(content["results"], f"{path}: with --upload, results")
        planned = plan_upload(f"{content['name']}/data", data)
        content["data"]["source"] = f"{results}/{planned.key}"
    experiment, job = template.objects_of(content, own_modules, namespace, asked.own_cluster)
    give_to(asked.owner, experiment, job)
    notes = _notes(template, asked.own_cluster)
    return Submission(template, experiment, job, content["results"], planned, notes)


def _notes(template: Template, own_cluster: bool) -> list[str]:
    queue = template.queue
    if own_cluster or not queue:
        return []
    return [
        f"queue {plain(queue)} (kueue.queueName) does not apply on the installed cluster, whose "
        "pods run already: Kueue leaves such RayJobs alone; --own-cluster has the experiment queued"
    ]


def check(kube: Kube, made: Submission) -> tuple[ConfigMap | None, RayJob | None]:
    """Find out what stands in the way of an experiment, before anything is made.

    Returns
    -------
    The ConfigMap and the RayJob of an earlier run that has ended.

    Raises
    ------
    ClusterError
        One of them is somebody else's or still runs, or something that the RayJob names is missing.
    """
    # in this order: whose RayJob is newer than this look at the ConfigMap is found out
    earlier = kube.get(ConfigMap, made.name)
    if earlier:
        earlier.must_be_of(made.name, kube.namespace)
    job = find_job(kube, made.name)
    for found in (earlier, job):
        if found and any(one.kind == "TuningExperiment" for one in found.metadata.owner_references):
            raise ClusterError(
                f"namespace {kube.namespace}: experiment {made.name} belongs to the "
                f"TuningExperiment of that name: change that (kubectl edit tune {made.name}), or "
                "choose another `name`"
            )
    if job and state_of(job) == "ending":
        raise ClusterError(
            f"namespace {kube.namespace}: experiment {made.name} is being deleted; submit it again "
            "when it is gone"
        )
    if job and state_of(job) not in ENDED:
        raise ClusterError(
            f"namespace {kube.namespace}: experiment {made.name} is {state_of(job)}; follow it "
            f"(va-tuning logs {made.name} --follow), cancel it (va-tuning cancel {made.name}), or "
            "choose another `name`"
        )
    for problem in missing(kube, made.job):
        raise ClusterError(f"namespace {kube.namespace}: {problem}")
    return earlier, job


def submit(
    kube: Kube,
    made: Submission,
    endpoint: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Create what `build` made, in place of an earlier run of the same name that has ended.

    Parameters
    ----------
    endpoint, say
        See `open_results`, which an upload goes through.

    Raises
    ------
    ClusterError
        Something stands in the way; nothing of this submission is left.
    """
    earlier, ended = check(kube, made)
    if made.upload is None:
        _create(kube, made, earlier, ended)
        return
    with open_results(kube, made.template, made.results, endpoint, say) as store:
        is_new = made.upload.copy_to(store)
        try:
            _create(kube, made, earlier, ended)
        except ClusterError as error:
            if is_new and not isinstance(error, UndecidedError | ReplacedError):
                store.delete(made.upload.key)
            raise


class UndecidedError(ClusterError):
    """What was made for this submission may be of use to another one, or to a RayJob that may be
    there."""


def _create(kube: Kube, made: Submission, earlier: ConfigMap | None, ended: RayJob | None) -> None:
    """Create the RayJob, whose pods wait for the ConfigMap, and then that.

    So of several that submit one name, one creates the RayJob, and no other comes to the ConfigMap.
    """
    name = made.name
    if ended:
        delete_ours(kube, ended, name)
        wait_until_gone(kube, ended)
    if earlier:
        _make_room(kube, earlier, ended)
    try:
        job = kube.create(RayJob, made.job)
    except ClusterError as error:
        if isinstance(error, RefusedError) and error.status == _CONFLICT:
            raise _raced(kube, name) from None
        if _may_be_there(kube, name, error):
            raise UndecidedError(
                f"{error}; RayJob {name} may have been created: va-tuning status {name}"
            ) from None
        if earlier:
            kube.create(ConfigMap, _again(earlier))
        raise
    try:
        kube.create(ConfigMap, of_rayjob(made.experiment, job))
    except (
        BaseException
    ) as error:  # an interruption too: a RayJob without its experiment would wait for ever
        _take_back(kube, job, error)
        raise
    _log.info("namespace %s: RayJob and ConfigMap %s are created", kube.namespace, name)


def _may_be_there(kube: Kube, name: str, error: ClusterError) -> bool:
    """Whether a RayJob may have been created although the answer was this error."""
    if isinstance(error, RefusedError) and error.status < 500:
        return False
    try:
        return kube.get(RayJob, name) is not None
    except ClusterError:
        return True


def _make_room(kube: Kube, earlier: ConfigMap, ended: RayJob | None) -> None:
    """Have the ConfigMap of an earlier run gone: with its RayJob, or, of an earlier version, by
    itself."""
    if ended and earlier.metadata.is_owned_by(ended.metadata.uid):
        wait_until_gone(kube, earlier)
    else:
        _delete_unchanged(kube, earlier)


def _delete_unchanged(kube: Kube, earlier: ConfigMap) -> None:
    try:
        kube.delete(earlier)
    except RefusedError as error:
        if error.status == _CONFLICT:
            raise _raced(kube, earlier.metadata.name) from None
        if error.status != _ABSENT:
            raise


def _raced(kube: Kube, name: str) -> UndecidedError:
    return UndecidedError(
        f"namespace {kube.namespace}: experiment {name} was submitted or changed by somebody else "
        f"just now; see va-tuning status {name}"
    )


def _again(earlier: ConfigMap) -> Object:
    about = earlier.metadata
    metadata = {"name": about.name, "labels": about.labels, "annotations": about.annotations}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": earlier.data}


def _take_back(kube: Kube, job: RayJob, error: BaseException) -> None:
    """Delete a RayJob whose ConfigMap could not be created."""
    name = job.metadata.name
    try:
        delete_ours(kube, job, name)
    except ClusterError as second:
        raise UndecidedError(
            f"{error}; RayJob {name} is left: {second}: va-tuning cancel {name}"
        ) from None


def read_for_cluster(path: Path) -> tuple[dict[str, Any], Mapping[str, str], Path | None]:
    """Check an experiment file and resolve what in it stands on this machine.

    Returns
    -------
    The experiment file's content, its own modules by name, and the data file that only this
    machine can read, if any.
    """
    config = load_experiment(path, mounted=_MOUNTED, code="if_installed")
    content = read_yaml(path)
    if isinstance((content.get("data") or {}).get("causes"), str):
        content["data"]["causes"] = dict(config.data.causes)
    spaces = (content.get("tuning") or {}).get("search_spaces")
    if (
        not (isinstance(spaces, str) and spaces.startswith(_MOUNTED))
        and config.tuning.search_spaces
    ):
        content["tuning"]["search_spaces"] = {
            model: config.document()["tuning"]["search_spaces"][model]
            for model in config.tuning.search_spaces
        }
    if found := out_of_reach(config.start_from):
        raise ConfigError(f"{path}: {found}")
    source = content["data"].get("source")
    if source and holds_secrets(source):
        raise ConfigError(
            f"{path}: data.source: must hold no password, signature or other query, which would "
            "stand in a ConfigMap: "
            f"copy the data to a store, or here and use --upload; got {shown(public(source))}"
        )
    if source is None or is_remote(source):
        return content, config.own_modules, None
    absolute = config.data.source or ""
    local = local_path(absolute) or Path(absolute)
    unread = not Path(source).is_absolute() or local.exists()
    return content, config.own_modules, local if unread else None
