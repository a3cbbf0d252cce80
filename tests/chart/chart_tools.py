"""The Go tools and schemas that hold the chart; ``tests/install-tools.sh`` installs them.

Those that the cluster needs too come from tests/cluster/; the others stand, by version, in the
cache's `chart-tools`.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import schemas

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHART = ROOT / "charts" / "va-tuning"

PACKAGES = {
    "helm-unittest": "github.com/helm-unittest/helm-unittest/cmd/helm-unittest",
    "helm-docs": "github.com/norwoodj/helm-docs/cmd/helm-docs",
    "kube-score": "github.com/zegl/kube-score/cmd/kube-score",
    "cyclonus": "github.com/mattfenwick/cyclonus/cmd/cyclonus",
}
KUBERNETES_MODULE = "k8s.io/kubernetes"
KUBERAY_MODULE = "github.com/ray-project/kuberay/ray-operator"


def read_env(path: Path) -> dict[str, str]:
    """Read NAME=value lines."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


VERSIONS = read_env(ROOT / "tests" / "cluster" / "versions.env") | read_env(HERE / "versions.env")


def version_of(tool: str) -> str:
    """Return a tool's version, without a leading v."""
    return VERSIONS[f"{tool.upper().replace('-', '_')}_VERSION"]


CACHE = Path(os.environ.get("VA_TUNING_CACHE", Path.home() / ".cache" / "va-tuning"))


def cache() -> Path:
    """Return the folder of tools and schemas."""
    return CACHE / "chart-tools"


def tool_path(tool: str) -> Path:
    """Return where a tool stands or will stand."""
    if tool not in PACKAGES:
        return CACHE / "bin" / tool
    return cache() / f"{tool}-{version_of(tool)}" / tool


def schema_folder() -> Path:
    """Return where the JSON schemas stand or will stand."""
    versions = f"{VERSIONS['KUBERNETES_VERSION']}-{VERSIONS['KUBERAY_VERSION']}"
    return cache() / f"schemas-{versions}-{schemas.REVISION}"


def missing() -> list[str]:
    """Return what `install` would install."""
    absent = [tool for tool in PACKAGES if not tool_path(tool).exists()]
    return absent if schema_folder().exists() else [*absent, "schemas"]


def download(module: str, version: str) -> Path:
    """Return the folder of a Go module's source."""
    run = subprocess.run(
        ["go", "mod", "download", "-json", f"{module}@v{version}"],
        cwd=tempfile.gettempdir(),  # outside any module
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(json.loads(run.stdout)["Dir"])


def build_tool(tool: str, folder: Path) -> None:
    """Build a tool into a folder."""
    package, version = PACKAGES[tool], version_of(tool)
    environment = os.environ | {"GOBIN": str(folder), "GOFLAGS": "-mod=mod"}
    module, _, rest = package.partition("/cmd/")
    if tool != "helm-unittest":
        subprocess.run(
            ["go", "install", f"{package}@v{version}"], check=True, env=environment, cwd="/"
        )
        return
    # Its go.mod has a replace line, which `go install package@version` refuses.
    with tempfile.TemporaryDirectory() as scratch:
        source = shutil.copytree(download(module, version), Path(scratch, "source"))
        subprocess.run(["chmod", "--recursive", "u+w", source], check=True)
        subprocess.run(["go", "build", "-o", folder, f"./cmd/{rest}"], check=True, cwd=source)


def build_schemas(folder: Path) -> None:
    """Convert the schemas of Kubernetes and of KubeRay's custom resources."""
    kubernetes = download(KUBERNETES_MODULE, VERSIONS["KUBERNETES_VERSION"])
    kuberay = download(KUBERAY_MODULE, VERSIONS["KUBERAY_VERSION"])
    schemas.convert_openapi(kubernetes / "api" / "openapi-spec" / "swagger.json", folder)
    for path in sorted((kuberay / "config" / "crd" / "bases").glob("*.yaml")):
        schemas.convert_crd(path, folder)


def install() -> None:
    """Install what is missing; a half-made folder is never left under its final name."""
    cache().mkdir(parents=True, exist_ok=True)
    for name in missing():
        start = time.monotonic()
        target = schema_folder() if name == "schemas" else tool_path(name).parent
        with tempfile.TemporaryDirectory(dir=cache()) as scratch:
            work = Path(scratch, "work")
            work.mkdir()
            if name == "schemas":
                build_schemas(work)
            else:
                build_tool(name, work)
            work.rename(target)
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    install()
