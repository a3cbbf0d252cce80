"""The commands that work on a Kubernetes cluster."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tuner_job.cluster.follow import Observation
    from tuner_job.cluster.kube import Kube

_F = TypeVar("_F", bound=Callable[..., Any])
NAME = click.argument("name")


def _on_cluster(command: _F) -> _F:
    """Add the options that say which cluster and namespace."""
    for option in (
        click.option("--context", help="Context of the kubeconfig file. [default: the current one]"),
        click.option("--namespace", "-n", help="Namespace of the release. [default: the context's]"),
    ):
        command = option(command)
    return command


def _of_release(command: _F) -> _F:
    return click.option("--release", default="va-tuning", show_default=True, help="Name of the Helm release.")(command)


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--follow", is_flag=True, help="Show its progress until it ends; Ctrl-C leaves it running.")
@click.option("--own-cluster", is_flag=True, help="Bring a Ray cluster of its own, removed afterwards.")
@click.option("--upload", is_flag=True, help="Copy a data file from this machine beside the results first.")
@click.option("--dry-run", is_flag=True, help="Print the YAML for `kubectl apply` and create nothing.")
@_of_release
@_on_cluster
def submit(
    experiment: Path,
    follow: bool,
    own_cluster: bool,
    upload: bool,
    dry_run: bool,
    release: str,
    context: str | None,
    namespace: str | None,
) -> None:
    """Run an experiment file on the cluster.

    It runs on the release's Ray cluster, as a RayJob of the experiment's name; its results go to the release's
    store unless the file names another one. Submitting an experiment that was cancelled or has failed goes on
    where it stopped.
    """
    import yaml

    from tuner_job.cluster.submit import build
    from tuner_job.cluster.submit import submit as create

    kube = _connect(context, namespace)
    objects = build(kube, experiment, release, own_cluster, upload)
    if dry_run:
        click.echo(yaml.safe_dump_all(objects, sort_keys=False), nl=False)
        return
    create(kube, *objects)
    name = objects[1]["metadata"]["name"]
    click.echo(f"experiment {name} is submitted to namespace {kube.namespace}")
    if follow:
        _follow(kube, name)
    else:
        click.echo(f"see va-tuning status {name}, or va-tuning logs {name} --follow")


@click.command("list")
@_on_cluster
def list_experiments(context: str | None, namespace: str | None) -> None:
    """List the experiments of a namespace."""
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.table import Table

    from tuner_job.cluster.state import seconds_of, state_of
    from tuner_job.cluster.template import OF_EXPERIMENTS
    from tuner_job.units import human_duration

    kube = _connect(context, namespace)
    jobs = kube.list("RayJob", OF_EXPERIMENTS)
    if not jobs:
        click.echo(f"no experiments in namespace {kube.namespace}")
        return
    table = Table("experiment", "state", "time", "runs on", box=None)
    now = datetime.now(UTC)
    for job in sorted(jobs, key=lambda job: str(job["metadata"]["creationTimestamp"])):
        where = "its own cluster" if "rayClusterSpec" in job["spec"] else "the installed cluster"
        table.add_row(job["metadata"]["name"], state_of(job), human_duration(seconds_of(job, now)), where)
    Console().print(table)


@click.command()
@NAME
@_on_cluster
def status(name: str, context: str | None, namespace: str | None) -> None:
    """Say how an experiment is doing, and what holds it up."""
    from tuner_job.cluster.follow import observe

    _tell(name, observe(_connect(context, namespace), name))


@click.command()
@NAME
@click.option("--follow", is_flag=True, help="Go on until it ends.")
@_on_cluster
def logs(name: str, follow: bool, context: str | None, namespace: str | None) -> None:
    """Show what an experiment has logged."""
    from tuner_job.cluster.follow import read_log

    kube = _connect(context, namespace)
    if follow:
        _follow(kube, name)
    else:
        read_log(kube, name, click.echo)


@click.command()
@NAME
@_on_cluster
def cancel(name: str, context: str | None, namespace: str | None) -> None:
    """Stop an experiment; its finished trials stay in the store.

    Submitting the same file again goes on from there.
    """
    from tuner_job.cluster.follow import read_job, wait_for
    from tuner_job.errors import ClusterError

    kube = _connect(context, namespace)
    read_job(kube, name)
    kube.delete_rayjob(name)
    if not wait_for(lambda: kube.get("RayJob", name) is None, seconds=60):
        raise ClusterError(f"namespace {kube.namespace}: KubeRay must stop {name} within 60 s; it has not: see its log")
    click.echo(f"experiment {name} is cancelled; its finished trials are kept")


@click.command()
@NAME
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("va-results"), show_default=True, help="A folder."
)
@_of_release
@_on_cluster
def fetch(name: str, output: Path, release: str, context: str | None, namespace: str | None) -> None:
    """Copy an experiment's results here: report, trials, models.

    Also those of one that runs or was cancelled, as far as they are. The store's keys are read from the release's
    Secret, or, where that is not allowed, from the environment.
    """
    from tuner_job.cluster.fetch import fetch as copy

    kube = _connect(context, namespace)
    folder, n_objects = copy(kube, name, release, output)
    click.echo(f"{folder}: {n_objects} objects")
    if (folder / "report.html").exists():
        click.echo(f"report: {folder / 'report.html'}")


COMMANDS = (submit, list_experiments, status, logs, cancel, fetch)


def _connect(context: str | None, namespace: str | None) -> "Kube":
    from tuner_job.cluster.kube import Kube

    return Kube(context, namespace)


def _follow(kube: "Kube", name: str) -> None:
    """Follow to the end; a failed experiment is this command's failure too."""
    from tuner_job.cluster.follow import follow
    from tuner_job.errors import RunError

    try:
        seen = follow(kube, name, click.echo)
    except KeyboardInterrupt:
        click.echo(f"experiment {name} goes on without you; see va-tuning status {name}")
        return
    if seen.state != "succeeded":
        raise RunError(f"experiment {name}: {seen.state}{f': {seen.failure}' if seen.failure else ''}")
    click.echo(f"experiment {name}: succeeded; va-tuning fetch {name} brings its results")


def _tell(name: str, seen: "Observation") -> None:
    click.echo(f"experiment {name}: {seen.state}{f': {seen.failure}' if seen.failure else ''}")
    for problem in seen.problems:
        click.echo(f"  {problem}")
    if seen.last_line and seen.state in ("running", "retrying", "waiting"):
        click.echo(f"  last in its log: {seen.last_line}")
