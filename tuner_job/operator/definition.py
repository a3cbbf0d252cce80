"""The custom resource definition of `TuningExperiment`, made of what experiment files may hold:
``python -m tuner_job.operator.definition``."""

from typing import Any

import yaml

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.operator.resource import GROUP, KIND, VERSION
from tuner_job.operator.structural import Node, structural
from tuner_job.schema import EXPERIMENT_NAME, LONGEST_NAME

PLURAL = f"{KIND.lower()}s"
_HEADER = """\
# Made by `python -m tuner_job.operator.definition` of what an experiment file may hold; a test
# holds it current.
"""
_COLUMNS = (
    ("State", "string", ".status.state", "What it does."),
    ("Done", "integer", ".status.trials.done", "Trials that have finished."),
    ("Planned", "integer", ".status.trials.planned", "Trials that will have been run."),
    ("Best", "number", ".status.best.score", "The best score so far."),
    ("Model", "string", ".status.best.model", "The model that has it."),
    ("Age", "date", ".metadata.creationTimestamp", "Since it was made."),
)


_NAMES = {
    "kind": KIND,
    "listKind": f"{KIND}List",
    "plural": PLURAL,
    "singular": KIND.lower(),
    "shortNames": ["tune"],
    "categories": ["va-tuning"],
}
_NAME: Node = {"type": "string", "maxLength": 253}
_SAID: Node = {"type": "string"}
_WHEN: Node = {"type": "string", "format": "date-time"}
_WHOLE: Node = {"type": "integer", "format": "int64"}
_ASKED: Node = {
    "modules": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "Own modules that the experiment names, as estimators or metrics: name and "
        "text of each.",
    },
    "suspend": {
        "type": "boolean",
        "description": "Stop and wait; finished trials stay, and false goes on from them.",
    },
    "ownCluster": {
        "type": "boolean",
        "description": "Bring a Ray cluster for this experiment alone, which goes with it.",
    },
    "image": {
        "type": "string",
        "maxLength": 500,
        "description": "Of the pods of its own Ray cluster: the release's with packages added; "
        "needs ownCluster.",
    },
    "queueName": _NAME | {"description": "Kueue's LocalQueue; needs ownCluster."},
    "priorityClassName": _NAME
    | {"description": "Of the pods of its own Ray cluster; needs ownCluster."},
    "ttlSecondsAfterFinished": {
        "type": "integer",
        "format": "int32",
        "minimum": 0,
        "description": "Delete this object, with its RayJob and ConfigMap, so long after its end; "
        "results stay. Left out: the object stays, and its RayJob and ConfigMap go after the "
        "release's retention.",
    },
    "owner": {
        "type": "string",
        "maxLength": 200,
        "pattern": r"^[^\p{C}]*$",
        "description": "Whose experiment it is, for lists and pages.",
    },
}
"""What stands in a spec beside the experiment."""
_CONDITION: Node = {
    "type": "object",
    "required": ["type", "status", "lastTransitionTime", "reason", "message"],
    "properties": {
        "type": _SAID,
        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
        "observedGeneration": _WHOLE,
        "lastTransitionTime": _WHEN,
        "reason": _SAID,
        "message": _SAID,
    },
}
_TOLD: Node = {
    "observedGeneration": _WHOLE,
    "state": _SAID,
    "stage": _SAID,
    "trials": {"type": "object", "properties": {"done": _WHOLE, "planned": _WHOLE}},
    "best": {
        "type": "object",
        "properties": {"model": _SAID, "trial": _WHOLE, "score": {"type": "number"}},
    },
    "secondsLeft": _WHOLE,
    "results": _SAID,
    "rayJob": {"type": "object", "properties": {"name": _SAID, "uid": _SAID, "spec": _SAID}},
    "startTime": _WHEN,
    "completionTime": _WHEN,
    "conditions": {
        "type": "array",
        "items": _CONDITION,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    },
}
"""What stands in a status."""


def definition() -> Node:
    """Return the custom resource definition."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "description": says}
            for name, kind, path, says in _COLUMNS
        ],
        "schema": {"openAPIV3Schema": _whole()},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{PLURAL}.{GROUP}",
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "spec": {"group": GROUP, "scope": "Namespaced", "names": _NAMES, "versions": [version]},
    }


def text() -> str:
    """Return the definition as the chart has it."""
    return _HEADER + yaml.safe_dump(definition(), sort_keys=False, width=110, allow_unicode=True)


def _whole() -> Node:
    return {
        "type": "object",
        "description": "One tuning experiment: its results go to the store and stay there.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": _spec(),
            "status": {
                "type": "object",
                "description": "How it is doing; trials and results are in the store.",
                "properties": _TOLD,
            },
        },
        "x-kubernetes-validations": [
            _rule(
                f"self.metadata.name.size() <= {LONGEST_NAME} && "
                f"self.metadata.name.matches('^{EXPERIMENT_NAME}$')",
                f"metadata.name must be 1 to {LONGEST_NAME} lower-case letters, digits and '-' that"
                " begin with a letter and do not end with '-'",
            ),
            _rule(
                "!has(self.spec.experiment.name) || "
                "self.spec.experiment.name == self.metadata.name",
                "spec.experiment.name must be left out, or be metadata.name",
            ),
        ],
    }


def _spec() -> Node:
    alone = "needs ownCluster: true: the installed cluster's pods are there already"
    return {
        "type": "object",
        "required": ["experiment"],
        "properties": {"experiment": _experiment()} | _ASKED,
        "x-kubernetes-validations": [
            _rule(
                f"!has(self.{key}) || self.{key} == '' || "
                "(has(self.ownCluster) && self.ownCluster)",
                f"{key} {alone}",
            )
            for key in ("image", "queueName", "priorityClassName")
        ],
    }


def _experiment() -> Node:
    node = structural(ExperimentConfig.model_json_schema())
    node["required"] = [key for key in node["required"] if key != "name"]
    node["description"] = (
        "What an experiment file holds; its name is the object's. Left out: results, for the "
        "release's store."
    )
    node["properties"]["name"]["description"] = "The object's name, or nothing."
    return node


def _rule(rule: str, message: str) -> dict[str, Any]:
    return {"rule": rule, "message": message}


if __name__ == "__main__":
    print(text(), end="")
