"""Write the example manifests from the chart's RayJob template: ``python manifests/generate.py
[FOLDER]``.

The template is filled in as `va-tuning submit` does it, so that the examples are what this chart
makes. Needs Helm: on PATH or named by HELM. REGISTRY names the registry of the images; without it
they are those that are loaded into the nodes.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tuner_job.cluster.template import config_map, fill_in

sys.path.insert(0, str(Path(__file__).parent))
from experiments import (
    EXAMPLES,
    OBJECTS,
    Example,
    ObjectExample,
)  # the folder is no package: kubectl reads it

ROOT = Path(__file__).parents[1]
PLACEHOLDER = "experiment-name"
REGISTRY = os.environ.get("REGISTRY", "localhost")

HEADER = """\
# {shows}
#
# Needs the chart installed as release va-tuning in the same namespace{needs}. Then:
#   kubectl --namespace NAMESPACE apply --filename manifests/{name}.yaml
#   kubectl --namespace NAMESPACE get rayjob {name} --watch
"""

OBJECT_HEADER = """\
# {shows}
#
# Needs the chart installed in the same namespace, with its controller (operator.enabled). Then:
#   kubectl --namespace NAMESPACE apply --filename manifests/{name}.yaml
#   kubectl --namespace NAMESPACE get tune {name} --watch
#   kubectl --namespace NAMESPACE wait tune/{name} --for=condition=Succeeded --timeout=2h
"""


class Dumper(yaml.SafeDumper):
    """YAML as one would write it: several lines as a block, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


Dumper.add_representer(str, _write_text)


def render_templates(values: dict[str, Any]) -> dict[str, str]:
    """Return the data of the chart's ConfigMap of RayJob templates."""
    command = [
        os.environ.get("HELM", "helm"),
        "template",
        "va-tuning",
        str(ROOT / "charts" / "va-tuning"),
    ]
    options = [
        "--api-versions",
        "ray.io/v1/RayCluster",
        "--kube-version",
        "1.34.0",
        "--values",
        "-",
    ]
    only = ["--show-only", "templates/rayjob-template.yaml"]
    run = subprocess.run(
        command + options + only,
        input=yaml.safe_dump({"registry": REGISTRY} | values),
        text=True,
        check=True,
        capture_output=True,
    )
    data: dict[str, str] = yaml.safe_load(run.stdout)["data"]
    return data


def dump(document: Any, flow: bool | None = False) -> str:
    """Return one YAML document; with `flow` None, its innermost lists and maps stand on one
    line."""
    return yaml.dump(document, Dumper=Dumper, sort_keys=False, default_flow_style=flow, width=110)


def manifest(example: Example) -> str:
    """Return the whole file: a ConfigMap with the experiment and a RayJob."""
    templates = render_templates(example.values)
    key = "rayjob.yaml" if example.own_cluster else "rayjob-installed.yaml"
    job = fill_in(yaml.safe_load(templates[key]), PLACEHOLDER, example.name)
    del job["metadata"]["namespace"]
    config = config_map(job, dump(example.experiment, flow=None))
    _run(job, example.command)
    head = HEADER.format(name=example.name, shows=example.shows, needs=example.needs)
    return f"{head}{dump(config)}---\n{dump(job)}"


def object_manifest(example: ObjectExample) -> str:
    """Return the whole file of one TuningExperiment."""
    document = {
        "apiVersion": "va-tuning.io/v1alpha1",
        "kind": "TuningExperiment",
        "metadata": {"name": example.name},
        "spec": example.spec,
    }
    head = OBJECT_HEADER.format(name=example.name, shows=example.shows)
    return f"{head}{dump(document, flow=None)}"


def _run(job: dict[str, Any], command: str) -> None:
    """Have a RayJob run another command than `tune` on its experiment file."""
    spec = job["spec"]
    spec["entrypoint"] = spec["entrypoint"].replace(" tune ", f" {command} ")
    (container,) = spec["submitterPodTemplate"]["spec"]["containers"]
    container["args"] = [command if part == "tune" else part for part in container["args"]]


def main(folder: str = str(ROOT / "manifests")) -> None:
    """Write every example."""
    for example in EXAMPLES:
        Path(folder, f"{example.name}.yaml").write_text(manifest(example))
    for one in OBJECTS:
        Path(folder, f"{one.name}.yaml").write_text(object_manifest(one))


if __name__ == "__main__":
    main(*sys.argv[1:])
