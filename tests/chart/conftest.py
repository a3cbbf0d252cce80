"""What the chart's tests share: the Go tools and rendering."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))
import chart_tools

Values = dict[str, Any]

VARIANTS: dict[str, Values] = {
    "defaults": {},
    "autoscaling": {"autoscaling": {"enabled": True}},
    "web": {
        "web": {
            "enabled": True,
            "ingress": {"enabled": True, "className": "nginx", "host": "va.example.org"},
        },
        "networkPolicy": {
            "webClients": [{"podSelector": {"matchLabels": {"app": "web"}}}],
            "metricsClients": [{"ipBlock": {"cidr": "10.1.0.0/16"}}],
        },
    },
    "external store": {
        "store": {
            "url": "gs://some-bucket/va",
            "existingSecret": "keys",
            "secretKeys": {"GOOGLE_SERVICE_ACCOUNT_KEY": "key.json"},
            "env": {"PROJECT": "va"},
            "embedded": {"enabled": False},
        }
    },
    "everything": {
        "image": {"repository": "registry.example/va/tuner", "digest": "sha256:" + "a" * 64},
        "imagePullSecrets": [{"name": "registry"}],
        "cluster": {"authSecret": "token", "upgradeStrategy": "None"},
        "autoscaling": {"enabled": True, "upscalingMode": "Conservative"},
        "head": {
            "podAnnotations": {"a": "b"},
            "podLabels": {"team": "va"},
            "nodeSelector": {"pool": "small"},
            "tolerations": [{"key": "va", "operator": "Exists", "effect": "NoSchedule"}],
            "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
            "priorityClassName": "high",
            "resources": {"cpu": "1", "memory": "4Gi", "cpuLimit": "2"},
        },
        "workers": {
            "maxReplicas": 20,
            "cpus": 4,
            "resources": {"cpu": "4", "memory": "8Gi", "extra": {"nvidia.com/gpu": 1}},
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
            ],
        },
        "extraEnv": [{"name": "A", "value": "b"}],
        "extraEnvFrom": [{"configMapRef": {"name": "more"}}],
        "extraVolumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        "extraVolumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True}],
        "job": {"activeDeadlineSeconds": 86400},
        "kueue": {"queueName": "va"},
        "store": {"embedded": {"sidecarMetadata": True, "persistence": {"storageClass": "fast"}}},
        "schedules": [
            {
                "name": "weekly",
                "schedule": "0 3 * * 1",
                "timeZone": "Africa/Nairobi",
                "experiment": {"data": {"format": "synthetic"}, "models": ["xgboost"]},
            }
        ],
        "rbac": {"submitters": [{"kind": "Group", "name": "analysts"}], "storeKeys": True},
        "networkPolicy": {
            "operator": {"namespace": "elsewhere"},
            "storeClients": [{"podSelector": {"matchLabels": {"app": "notebook"}}}],
            "dashboardClients": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
            "metricsClients": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
            "extraEgress": [
                {"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}], "ports": [{"port": 443}]}
            ],
        },
    },
}


def run(
    tool: str, *arguments: str | Path, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run one of the chart's tools; a test without it is skipped, and pytest's summary says so."""
    path = chart_tools.tool_path(tool)
    if not path.exists():
        pytest.skip(f"{tool} is not installed: run tests/install-tools.sh")
    return subprocess.run(
        [path, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | environment,
        cwd=chart_tools.ROOT,
    )


def helm_template(
    values: Values,
    release: str = "va-tuning",
    apis: str = "ray.io/v1/RayCluster",
    namespace: str = "va",
    again: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Render the chart as of Kubernetes 1.34 with these API versions, with images that were
    loaded into the nodes."""
    template = _template.__wrapped__ if again else _template
    return template(
        json.dumps({"registry": "localhost"} | values), release, apis, namespace
    )  # JSON is YAML


@functools.cache
def _template(
    values: str, release: str, apis: str, namespace: str
) -> subprocess.CompletedProcess[str]:
    options = ["--namespace", namespace, "--kube-version", "1.34.0", "--values", "-"]
    if apis:
        options += ["--api-versions", apis]
    return run("helm", "template", release, chart_tools.CHART, *options, stdin=values)


def parse(text: str) -> list[dict[str, Any]]:
    """Read YAML documents, with libyaml: the chart is long."""
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


Render = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def render() -> Render:
    """Return a function: values → the chart's objects, and the RayJobs that its templates would
    become."""

    def objects(values: Values, **options: str) -> list[dict[str, Any]]:
        result = helm_template(values, **options)
        assert result.returncode == 0, result.stderr
        documents = parse(result.stdout)
        jobs = [
            job
            for document in documents
            if document["metadata"]["name"].endswith("-rayjob")
            for key, text in document["data"].items()
            if key.endswith(".yaml")
            for job in parse(text)
        ]
        return documents + jobs

    return objects


@pytest.fixture(params=VARIANTS, scope="session")
def variant(request: pytest.FixtureRequest, render: Render) -> list[dict[str, Any]]:
    """The objects of the chart under different values."""
    return render(VARIANTS[request.param])
