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
    COMPARISON,
    COMPARISON_HEADER,
    COMPARISON_NAME,
    EXAMPLES,
    Example,
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
    needs = " with the values of an external store" if example.values else ""
    head = HEADER.format(name=example.name, shows=example.shows, needs=needs)
    return f"{head}{dump(config)}---\n{dump(job)}"


def comparison_manifest() -> str:
    """Return a RayJob that compares models across sites, with what an experiment of the cluster
    has tuned."""
    job = fill_in(
        yaml.safe_load(render_templates({})["rayjob-installed.yaml"]), PLACEHOLDER, COMPARISON_NAME
    )
    del job["metadata"]["namespace"]
    job["spec"]["entrypoint"] = " ".join(COMPARISON)
    pod = job["spec"]["submitterPodTemplate"]["spec"]
    (container,) = pod["containers"]
    container["args"] = ["--", *COMPARISON]
    for part in (container["volumeMounts"], pod["volumes"]):
        part[:] = [
            entry for entry in part if entry["name"] != "experiment"
        ]  # the command line says it all
    return COMPARISON_HEADER + dump(job)


def main(folder: str = str(ROOT / "manifests")) -> None:
    """Write every example."""
    for example in EXAMPLES:
        Path(folder, f"{example.name}.yaml").write_text(manifest(example))
    Path(folder, f"{COMPARISON_NAME}.yaml").write_text(comparison_manifest())


if __name__ == "__main__":
    main(*sys.argv[1:])
