"""What somebody asked for, checked: an experiment that can be run, or all that is wrong with it."""

import copy
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import yaml

from tuner_job.address import out_of_reach
from tuner_job.cluster.objects import Object
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.load import InvalidExperimentError, check_experiment
from tuner_job.errors import ConfigError
from tuner_job.files.yaml_file import parse_yaml
from tuner_job.operator.resource import TuningExperiment
from tuner_job.public import holds_secrets, is_remote, public
from tuner_job.wording import counted, plain, shown

MOUNTED = "/etc/va-tuning/"
"""Where pods find what the chart mounts."""
_LONGEST = 240  # characters of one problem
_MOST = 8  # problems: what is said of an experiment stays below 4 KiB


class InvalidError(ConfigError):
    """What was asked for cannot be run; the message has every problem."""


@dataclass(frozen=True)
class Asked:
    """An experiment that can be run.

    Attributes
    ----------
    content
        As an experiment file holds it.
    config
        The same, checked.
    """

    content: Object
    config: ExperimentConfig


def digest_of(asked_for: TuningExperiment) -> str:
    """What of an object decides the RayJob that is made of it, in 16 characters: the same ones mean
    the same RayJob."""
    spec = asked_for.spec
    what: list[Any] = [
        spec.experiment,
        spec.own_cluster,
        spec.queue_name,
        spec.priority_class_name,
        *([spec.modules, spec.image] if spec.modules or spec.image else []),
    ]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def read(asked_for: TuningExperiment) -> Asked:
    """Check what an object asks for; no file of this machine is read.

    Raises
    ------
    InvalidError
        With every problem that was found.
    """
    content = {"name": asked_for.metadata.name, **copy.deepcopy(asked_for.spec.experiment)}
    found = [*_unreadable(content), *_elsewhere(content), *_addresses(content), *_sources(content)]
    if content["name"] != asked_for.metadata.name:
        found.append(f"name: must be left out, or be the object's; got {shown(content['name'])}")
    checked = copy.deepcopy(content)
    _without_files(checked)
    given, config = asked_for.spec.modules, None
    try:
        config = check_experiment(
            checked, "experiment", mounted=MOUNTED, own_modules=given, code="never"
        )
    except InvalidExperimentError as error:
        found += error.problems
    if found or config is None:
        raise InvalidError(_said(found))
    return Asked(content, config)


def _said(found: list[str]) -> str:
    lines = [plain(one, _LONGEST) for one in found[:_MOST]]
    more = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    return "; ".join([f"spec.experiment: {counted(len(found), 'problem')}", *lines, *more])


def _unreadable(content: Object) -> list[str]:
    """Say what keeps a driver from reading an experiment file of this: its length, its depth."""
    try:
        parse_yaml(yaml.safe_dump(content, sort_keys=False), "as an experiment file")
    except ConfigError as error:
        return [str(error)]
    return []


def _elsewhere(content: Object) -> list[str]:
    """Name the files that the experiment says stand beside it: nothing stands beside an object."""
    found = []
    data, tuning = content.get("data"), content.get("tuning")
    if isinstance(data, dict) and isinstance(data.get("causes"), str):
        found.append("data.causes: must be causes with their new names, not the path of a file")
    spaces = tuning.get("search_spaces") if isinstance(tuning, dict) else None
    if isinstance(spaces, str) and not spaces.startswith(MOUNTED):
        found.append(
            f"tuning.search_spaces: must be search spaces, or below {MOUNTED}, where the chart's "
            f"are; got {shown(spaces, 80)}"
        )
    for model, space in spaces.items() if isinstance(spaces, dict) else ():
        if isinstance(space, str):
            found.append(
                f"tuning.search_spaces.{model}: must be a search space, not the path of a file"
            )
    return found


def _addresses(content: Object) -> list[str]:
    data = content.get("data")
    source = data.get("source") if isinstance(data, dict) else None
    if not isinstance(source, str):
        return []
    if holds_secrets(source):
        return [
            "data.source: must hold no password, signature or other query, which would stand in "
            f"this object: copy the data to a store; got {shown(public(source))}"
        ]
    if is_remote(source) or source.startswith("/"):
        return []
    return [
        "data.source: must be an address that the cluster can read (s3://…, gs://…, az://…, "
        f"https://…), or the absolute path of a volume in its pods; got {shown(source)}"
    ]


def _sources(content: Object) -> list[str]:
    named = content.get("start_from")
    texts = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    found = out_of_reach(texts)
    return [found] if found else []


def _without_files(content: Object) -> None:
    """Leave out what names a file: `_elsewhere` has said so, and it is not read here."""
    data: Any = content.get("data")
    tuning: Any = content.get("tuning")
    if isinstance(data, dict) and isinstance(data.get("causes"), str):
        del data["causes"]
    spaces = tuning.get("search_spaces") if isinstance(tuning, dict) else None
    if isinstance(spaces, str):
        del tuning["search_spaces"]
    elif isinstance(spaces, dict):
        tuning["search_spaces"] = {m: s for m, s in spaces.items() if not isinstance(s, str)}
