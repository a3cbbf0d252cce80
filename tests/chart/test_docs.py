"""What is written twice agrees: the chart's README, the manifests, Skaffold's paths and values, versions."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import chart_tools
import pytest
import yaml
from conftest import Render, helm_template, run
from pods import all_pods

from tuner_job.comparison.flags import make_parser

ROOT = chart_tools.ROOT
MANIFESTS = sorted((ROOT / "manifests").glob("*.yaml"))
MODELS = ("xgboost", "random-forest", "logistic-regression")
METHODS = ("grid", "random", "bayesian", "optuna")
SKAFFOLD: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
CHART: dict[str, Any] = yaml.safe_load((chart_tools.CHART / "Chart.yaml").read_text())
VALUES: dict[str, Any] = yaml.safe_load((chart_tools.CHART / "values.yaml").read_text())

# Ours to decide otherwise: images may be loaded into nodes by hand; a CPU limit would only throttle.
IGNORED = ("--ignore-test", "container-image-pull-policy", "--ignore-container-cpu-limit")
CRITICAL = 1


def test_readme_is_current() -> None:
    result = run("helm-docs", "--chart-search-root", chart_tools.CHART, "--dry-run")
    assert result.stdout.strip() == (chart_tools.CHART / "README.md").read_text().strip()


def pods_as_objects(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace Ray's custom resources by the pods that KubeRay makes of them: kube-score knows only those."""
    custom = [document for document in documents if document["kind"] in ("RayCluster", "RayJob")]
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": pod["metadata"] | {"name": f"ray-{number}", "namespace": "va"},
            "spec": pod["spec"],
        }
        for number, (_, pod) in enumerate(all_pods(custom))
    ]
    return [document for document in documents if document not in custom] + pods


def critical_findings(documents: list[dict[str, Any]]) -> list[str]:
    text = yaml.safe_dump_all(pods_as_objects(documents))
    result = run("kube-score", "score", *IGNORED, "--output-format", "json", "-", stdin=text)
    return [
        f"{subject['object_name']}: {check['check']['name']}: {comment['summary']}"
        for subject in json.loads(result.stdout)
        for check in subject["checks"]
        if check["grade"] == CRITICAL and not check["skipped"]
        for comment in check["comments"] or [{"summary": ""}]
    ]


def test_nothing_critical(render: Render) -> None:
    assert critical_findings(render({})) == []


def test_without_policies_there_is_something_critical(render: Render) -> None:
    assert critical_findings(render({"networkPolicy": {"enabled": False}})) != []


def test_there_is_a_manifest_for_each_model_and_method() -> None:
    names = {path.stem for path in MANIFESTS}
    assert {f"{model}-{method}" for model in MODELS for method in METHODS} <= names
    assert {"on-own-cluster", "on-installed-cluster", "leave-one-site-out", "external-s3"} <= names


def test_manifests_are_current(tmp_path: Path) -> None:
    if not chart_tools.tool_path("helm").exists():
        pytest.skip("helm is not installed: run tests/install-tools.sh")
    subprocess.run(
        [sys.executable, ROOT / "manifests" / "generate.py", tmp_path],
        env={"HELM": str(chart_tools.tool_path("helm")), "PATH": "/usr/bin:/bin"},
        check=True,
    )
    written = {path.name: path.read_text() for path in tmp_path.glob("*.yaml")}
    assert written == {path.name: path.read_text() for path in MANIFESTS}, "run `python manifests/generate.py`"


def test_the_comparison_s_manifest_runs_what_the_command_line_takes() -> None:
    job = yaml.safe_load((ROOT / "manifests" / "comparison.yaml").read_text())
    (container,) = job["spec"]["submitterPodTemplate"]["spec"]["containers"]
    dashes, *command = container["args"]
    assert (dashes, " ".join(command)) == ("--", job["spec"]["entrypoint"])
    options = make_parser("").parse_args(command[2:])
    assert options.resume
    assert options.tuned_params.startswith("s3://")


@pytest.mark.parametrize("path", [p for p in MANIFESTS if p.stem != "comparison"], ids=lambda path: path.stem)
def test_manifest_is_complete(path: Path) -> None:
    config, job = yaml.safe_load_all(path.read_text())
    experiment = yaml.safe_load(config["data"]["experiment.yaml"])
    assert experiment["name"] == config["metadata"]["name"] == job["metadata"]["name"] == path.stem
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", path.stem)
    assert "experiment-name" not in path.read_text()
    submitter = job["spec"]["submitterPodTemplate"]["spec"]
    assert {"name": "experiment", "configMap": {"name": path.stem}} in submitter["volumes"]
    if "clusterSelector" in job["spec"]:
        assert job["spec"]["entrypoint"] == "va-tuning tune experiment.yaml"
    else:
        head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
        assert job["spec"]["entrypoint"] == "va-tuning tune /etc/va-tuning/experiment/experiment.yaml"
        assert {"name": "experiment", "configMap": {"name": path.stem}} in head["volumes"]


def test_external_manifest_needs_nothing_of_the_embedded_store() -> None:
    text = (ROOT / "manifests" / "external-s3.yaml").read_text()
    assert "va-tuning-store" not in text
    assert "my-s3-keys" in text


def test_skaffold_names_what_there_is() -> None:
    (artifact,) = SKAFFOLD["build"]["artifacts"]
    (release,) = SKAFFOLD["deploy"]["helm"]["releases"]
    assert artifact["image"] == VALUES["image"]["repository"]
    assert ROOT / release["chartPath"] == chart_tools.CHART
    for path in release.get("valuesFiles", []):
        assert (ROOT / path).is_file()
    if not (ROOT / "images").exists():
        pytest.skip("images/ is not in this checkout")
    assert (ROOT / artifact["context"] / artifact["docker"]["dockerfile"]).is_file()


def skaffold_values(release: dict[str, Any]) -> dict[str, Any]:
    """Return what Skaffold would set: its templates with an image filled in."""
    name = re.sub(r"\W", "_", SKAFFOLD["build"]["artifacts"][0]["image"])
    filled = {
        f"{{{{.IMAGE_REPO_{name}}}}}": "registry.example/va-tuning/tuner",
        f"{{{{.IMAGE_TAG_{name}}}}}": "abc123",
        f"{{{{.IMAGE_DIGEST_{name}}}}}": "sha256:" + "0" * 64,
    }
    values: dict[str, Any] = {}
    for path, text in release.get("setValueTemplates", {}).items():
        *parents, key = path.split(".")
        node = values
        for parent in parents:
            node = node.setdefault(parent, {})
        node[key] = filled[text]
    return values


def test_skaffold_sets_the_image_that_it_built() -> None:
    (release,) = SKAFFOLD["deploy"]["helm"]["releases"]
    result = helm_template(skaffold_values(release))
    assert result.returncode == 0, result.stderr
    assert 'image: "registry.example/va-tuning/tuner:abc123"' in result.stdout
    assert "va-tuning/tuner:0.1.0" not in result.stdout


@pytest.mark.parametrize("name", ["kind", "registry"])
def test_skaffold_profiles(name: str) -> None:
    (profile,) = [profile for profile in SKAFFOLD["profiles"] if profile["name"] == name]
    assert profile["build"]["local"]["push"] is (name == "registry")
    for patch in profile.get("patches", []):
        if patch["path"].endswith("valuesFiles"):
            assert all((ROOT / path).is_file() for path in patch["value"])


def test_versions_agree() -> None:
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    ray = re.search(r'"ray\[.+\]==(.+)"', (ROOT / "pyproject.toml").read_text())
    assert project is not None
    assert ray is not None
    assert CHART["appVersion"] == project[1]
    assert VALUES["rayVersion"] == ray[1]


def test_versions_agree_with_the_images() -> None:
    assert VALUES["store"]["embedded"]["image"]["tag"] == chart_tools.VERSIONS["VERSITYGW_VERSION"]


def test_search_spaces_are_the_models_own() -> None:
    from tuner_job.models import FAMILIES

    assert VALUES["searchSpaces"] == {name: family.default_space for name, family in FAMILIES.items()}
