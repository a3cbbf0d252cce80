"""What is written twice agrees: the chart's README, the manifests, Skaffold's paths and values,
versions."""

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

from tuner_job.config.load import check_experiment
from tuner_job.operator.asked import read
from tuner_job.operator.resource import TuningExperiment

ROOT = chart_tools.ROOT
MANIFESTS = sorted((ROOT / "manifests").glob("*.yaml"))
OBJECTS = [path for path in MANIFESTS if "kind: TuningExperiment" in path.read_text()]
RAYJOBS = [path for path in MANIFESTS if path not in OBJECTS]
MODELS = ("xgboost", "random-forest", "logistic-regression", "naive-bayes")
METHODS = ("grid", "random", "bayesian", "optuna")
SKAFFOLD: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
ARTIFACTS: list[dict[str, Any]] = SKAFFOLD["build"]["artifacts"]
CHART: dict[str, Any] = yaml.safe_load((chart_tools.CHART / "Chart.yaml").read_text())
VALUES: dict[str, Any] = yaml.safe_load((chart_tools.CHART / "values.yaml").read_text())

# Ours to decide otherwise: images may be loaded into nodes by hand; a CPU limit would only
# throttle.
IGNORED = ("--ignore-test", "container-image-pull-policy", "--ignore-container-cpu-limit")
CRITICAL = 1


def test_readme_is_current() -> None:
    result = run("helm-docs", "--chart-search-root", chart_tools.CHART, "--dry-run")
    assert result.stdout.strip() == (chart_tools.CHART / "README.md").read_text().strip()


def pods_as_objects(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace Ray's custom resources by the pods that KubeRay makes of them: kube-score knows
    only those."""
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
    assert written == {path.name: path.read_text() for path in MANIFESTS}, (
        "run `python manifests/generate.py`"
    )


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.stem)
def test_a_tuning_experiment_is_one_that_the_controller_takes(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    found = TuningExperiment.model_validate(content)
    assert read(found).config.name == path.stem


@pytest.mark.parametrize("path", RAYJOBS, ids=lambda path: path.stem)
def test_manifest_is_complete(path: Path) -> None:
    config, job = yaml.safe_load_all(path.read_text())
    experiment = yaml.safe_load(config["data"]["experiment.yaml"])
    command = "compare" if "comparison" in experiment else "tune"
    check_experiment(experiment, path.stem, mounted="/etc/va-tuning/search-spaces")
    assert experiment["name"] == config["metadata"]["name"] == job["metadata"]["name"] == path.stem
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", path.stem)
    assert "experiment-name" not in path.read_text()
    submitter = job["spec"]["submitterPodTemplate"]["spec"]
    assert {"name": "experiment", "configMap": {"name": path.stem}} in submitter["volumes"]
    if "clusterSelector" in job["spec"]:
        assert job["spec"]["entrypoint"] == f"va-tuning {command} experiment.yaml"
        (container,) = submitter["containers"]
        assert container["args"][-4:] == ["--", "va-tuning", command, "experiment.yaml"]
    else:
        head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
        assert (
            job["spec"]["entrypoint"] == "va-tuning tune /etc/va-tuning/experiment/experiment.yaml"
        )
        assert {"name": "experiment", "configMap": {"name": path.stem}} in head["volumes"]


def test_external_manifest_needs_nothing_of_the_embedded_store() -> None:
    text = (ROOT / "manifests" / "external-s3.yaml").read_text()
    assert "va-tuning-store" not in text
    assert "my-s3-keys" in text


def test_skaffold_names_what_there_is() -> None:
    (release,) = SKAFFOLD["deploy"]["helm"]["releases"]
    images = (VALUES["image"]["repository"], VALUES["store"]["embedded"]["image"]["repository"])
    assert [artifact["image"] for artifact in ARTIFACTS] == [
        f"localhost/{image}" for image in images
    ]
    assert ROOT / release["chartPath"] == chart_tools.CHART
    for path in release.get("valuesFiles", []):
        assert (ROOT / path).is_file()
    for artifact in ARTIFACTS:
        assert (ROOT / artifact["context"] / artifact["docker"]["dockerfile"]).is_file()


def skaffold_values(profile: str) -> dict[str, Any]:
    """Return what Skaffold would set under a profile: its templates with the images filled in."""
    (release,) = SKAFFOLD["deploy"]["helm"]["releases"]
    (patches,) = [entry["patches"] for entry in SKAFFOLD["profiles"] if entry["name"] == profile]
    added = {
        patch["path"].rpartition("/")[2]: patch["value"]
        for patch in patches
        if "Template" in patch["path"]
    }
    filled = {}
    for artifact in ARTIFACTS:
        name = re.sub(r"\W", "_", artifact["image"])
        filled[f"{{{{.IMAGE_REPO_{name}}}}}"] = (
            "registry.example/" + artifact["image"].rpartition("/")[2]
        )
        filled[f"{{{{.IMAGE_TAG_{name}}}}}"] = "abc123"
        filled[f"{{{{.IMAGE_DIGEST_{name}}}}}"] = "sha256:" + "0" * 64
    values: dict[str, Any] = {"registry": ""}
    for path, text in (release["setValueTemplates"] | added).items():
        *parents, key = path.split(".")
        node = values
        for parent in parents:
            node = node.setdefault(parent, {})
        node[key] = filled[text]
    return values


@pytest.mark.parametrize(
    ("profile", "pin"), [("kind", ":abc123"), ("registry", "@sha256:" + "0" * 64)]
)
def test_skaffold_sets_the_images_that_it_built(profile: str, pin: str) -> None:
    result = helm_template(skaffold_values(profile))
    assert result.returncode == 0, result.stderr
    images = set(re.findall(r'image: "(.+)"', result.stdout))
    assert images == {f"registry.example/{name}{pin}" for name in ("tuner", "versitygw")}


@pytest.mark.parametrize("name", ["kind", "registry"])
def test_skaffold_profiles(name: str) -> None:
    (profile,) = [profile for profile in SKAFFOLD["profiles"] if profile["name"] == name]
    assert profile["build"]["local"]["push"] is (name == "registry")
    for patch in profile.get("patches", []):
        if patch["path"].endswith("valuesFiles"):
            assert all((ROOT / path).is_file() for path in patch["value"])


def test_versions_agree() -> None:
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    ray = re.search(r'"ray\[.+\]==([^;]+); [^"]+ or ', (ROOT / "pyproject.toml").read_text())
    assert project is not None
    assert ray is not None
    assert CHART["appVersion"] == project[1]
    assert VALUES["rayVersion"] == ray[1]


def test_versions_agree_with_the_images() -> None:
    version = VALUES["store"]["embedded"]["image"]["tag"]
    modules = (ROOT / "images" / "store" / "go.mod").read_text()
    assert f"github.com/versity/versitygw v{version} " in modules
    assert f"/versitygw:{version} images/store" in (ROOT / "docs" / "kubernetes.md").read_text()


@pytest.mark.parametrize("name", ["tuner", "store"])
def test_bases_are_pinned_by_digest(name: str) -> None:
    text = (ROOT / "images" / name / "Dockerfile").read_text()
    [(argument, base)] = re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"[a-z0-9.]+\.[a-z]+/\S+:\S+@sha256:[0-9a-f]{64}", base)
    stages = set(re.findall(r" AS (\w+)$", text, re.MULTILINE)) | {"scratch", f"${{{argument}}}"}
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) <= stages


def test_a_build_from_the_repository_sees_what_the_dockerfile_copies_and_no_more() -> None:
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copies = re.findall(
        r"^COPY (?!--from)(.+) \S+$",
        (ROOT / "images" / "tuner" / "Dockerfile").read_text(),
        re.MULTILINE,
    )
    sources = {source.rstrip("*") for copy in copies for source in copy.split()}
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()
    assert all(
        any(source == entry or source.startswith(f"{entry}/") for entry in allowed)
        for source in sources
    ), sources
    assert all(
        any(source == entry or source.startswith(f"{entry}/") for source in sources)
        for entry in allowed
    ), allowed


def test_no_image_is_named_without_a_registry() -> None:
    """In scripts and pages: such a name would be the default public registry's, and anybody's."""
    files = [
        *(ROOT / "images").rglob("*"),
        *(ROOT / "tests" / "cluster").rglob("*"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "manifests").glob("*"),
        ROOT / "README.md",
    ]
    bare = re.compile(
        r"(?<![\w./}-])va-tuning/(tuner|versitygw|node|python-base|storage-helper)[:@]"
    )
    found = [
        f"{path}: {line}"
        for path in files
        if path.is_file()
        for line in path.read_text().splitlines()
        if bare.search(line)
    ]
    assert found == []


def test_search_spaces_are_the_models_own() -> None:
    from tuner_job.models import FAMILIES

    assert VALUES["searchSpaces"] == {
        name: family.default_space for name, family in FAMILIES.items()
    }
