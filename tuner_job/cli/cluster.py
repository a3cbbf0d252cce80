"""The commands that work on a Kubernetes cluster."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import yaml
from rich.console import Console
from rich.table import Table

from tuner_job.cli.base import checked
from tuner_job.errors import ClusterError, RunError
from tuner_job.process.output import expendable
from tuner_job.wording import plain

if TYPE_CHECKING:
    from tuner_job.cluster.follow import Observation
    from tuner_job.cluster.kube import Kube
    from tuner_job.results.store import Store


def _checked(rule: str) -> Callable[..., Any]:
    """Check a name by a rule of `names`, which is imported only then, as soon as it is given."""
    return checked(lambda name: getattr(import_module("tuner_job.cluster.names"), rule)(name))


NAME = click.argument("name", callback=_checked("check_experiment"))


def _on_cluster(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which cluster and namespace; the command takes the `Kube`."""

    @click.option(
        "--namespace",
        "-n",
        callback=_checked("check_namespace"),
        help="Namespace of the release. [default: the context's]",
    )
    @click.option(
        "--context",
        callback=_checked("check_context"),
        help="Context of the kubeconfig file. [default: the current one]",
    )
    @wraps(command)
    def connected(context: str | None, namespace: str | None, **given: Any) -> None:
        from tuner_job.cluster.kube import Kube  # here, so that --help is quick

        command(kube=Kube(context, namespace), **given)

    return connected


class _Release(NamedTuple):
    """A release on a cluster, and an address that its store's keys may go to."""

    kube: "Kube"
    name: str
    endpoint: str | None


def _of_release(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which release, and where its store's keys may go."""

    @click.option(
        "--release",
        default="va-tuning",
        show_default=True,
        callback=_checked("check_release"),
        help="Name of the Helm release.",
    )
    @click.option(
        "--endpoint",
        metavar="URL",
        help="Trust this address, which the release names for its store, with the store's keys.",
    )
    @wraps(command)
    def of_release(kube: "Kube", release: str, endpoint: str | None, **given: Any) -> None:
        command(release=_Release(kube, release, endpoint), **given)

    return _on_cluster(of_release)


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option(
    "--follow", is_flag=True, help="Show its progress until it ends; Ctrl-C leaves it running."
)
@click.option(
    "--own-cluster", is_flag=True, help="Bring a Ray cluster of its own, removed afterwards."
)
@click.option(
    "--upload", is_flag=True, help="Copy a data file from this machine below its results first."
)
@click.option(
    "--dry-run", is_flag=True, help="Print the YAML for `kubectl apply`; create and copy nothing."
)
@_of_release
def submit(
    experiment: Path,
    follow: bool,
    own_cluster: bool,
    upload: bool,
    dry_run: bool,
    release: _Release,
) -> None:
    """Run an experiment file on the cluster.

    It runs on the release's Ray cluster, as a RayJob of the experiment's name; its results go to
    the release's store unless the file names another one. Submitting an experiment that was
    cancelled or has failed goes on where it stopped.
    """

    from tuner_job.cluster.submit import build  # here, so that --help is quick
    from tuner_job.cluster.submit import submit as create

    kube = release.kube
    made = build(kube, experiment, release.name, own_cluster, upload)
    if dry_run:
        if made.upload:
            click.echo(
                f"# without --dry-run, {plain(made.upload.source)} is copied to data.source first"
            )
        click.echo(yaml.safe_dump_all([made.experiment, made.job], sort_keys=False), nl=False)
        return
    expendable()
    create(kube, made, release.endpoint, _say)
    click.echo(f"experiment {made.name} is submitted to namespace {kube.namespace}")
    if follow:
        _follow(kube, made.name)
    else:
        click.echo(f"see va-tuning status {made.name}, or va-tuning logs {made.name} --follow")


@click.command("list")
@_on_cluster
def list_experiments(kube: "Kube") -> None:
    """List the experiments of a namespace."""

    from tuner_job.cluster.objects import OF_EXPERIMENTS, RayJob
    from tuner_job.cluster.state import seconds_of, state_of
    from tuner_job.units import human_duration  # brings pydantic

    jobs = kube.list(RayJob, OF_EXPERIMENTS)
    if not jobs:
        click.echo(f"no experiments in namespace {kube.namespace}")
        return
    table = Table("experiment", "state", "time", "runs on", box=None)
    now = datetime.now(UTC)
    for job in sorted(jobs, key=lambda job: job.metadata.creation_timestamp or now):
        where = "the installed cluster" if job.spec.ray_cluster_spec is None else "its own cluster"
        table.add_row(
            plain(job.metadata.name), state_of(job), human_duration(seconds_of(job, now)), where
        )
    Console(markup=False).print(table)


@click.command()
@NAME
@_on_cluster
def status(name: str, kube: "Kube") -> None:
    """Say how an experiment is doing, and what holds it up."""
    from tuner_job.cluster.follow import observe  # here, so that --help is quick

    _tell(name, observe(kube, name))


@click.command()
@NAME
@click.option("--follow", is_flag=True, help="Go on until it ends.")
@_on_cluster
def logs(name: str, follow: bool, kube: "Kube") -> None:
    """Show what an experiment has logged."""
    from tuner_job.cluster.follow import read_log  # here, so that --help is quick

    if follow:
        _follow(kube, name)
    else:
        read_log(kube, name, click.echo)


@click.command()
@NAME
@click.option("--purge", is_flag=True, help="Remove its results and uploads from the store, too.")
@click.option("--yes", is_flag=True, help="Purge without asking.")
@_of_release
def cancel(name: str, purge: bool, yes: bool, release: _Release) -> None:
    """Stop an experiment; its finished trials stay in the store.

    Submitting the same file again goes on from there. With --purge nothing of the experiment is
    left: neither its RayJob and ConfigMap nor, in the store, anything below its name.
    """
    from tuner_job.cluster.cancel import cancel as stop  # here, so that --help is quick

    if purge:
        _purge(release, name, yes)
        return
    stop(release.kube, name)
    click.echo(f"experiment {name} is cancelled; its finished trials are kept")


@click.command()
@NAME
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("va-results"),
    show_default=True,
    help="A folder.",
)
@_of_release
def fetch(name: str, output: Path, release: _Release) -> None:
    """Copy an experiment's results here: report, trials, models.

    Also those of one that runs or was cancelled, as far as they are. The store's keys are read from
    the release's Secret, or, where that is not allowed, from the environment. They go to the store
    that the release names: a Service of its namespace, or an address outside of the cluster that
    --endpoint or your AWS_ENDPOINT_URL names too.
    """
    from tuner_job.cluster.fetch import fetch as copy  # here, so that --help is quick

    with _results_of(release, name) as store:
        folder, n_objects = copy(store, name, output)
    click.echo(f"{folder}: {n_objects} objects")
    if (folder / "report.html").exists():
        click.echo(f"report: {folder / 'report.html'}")


COMMANDS = (submit, list_experiments, status, logs, cancel, fetch)


@contextmanager
def _results_of(release: _Release, name: str) -> "Iterator[Store]":
    """Have the store in which the results of an experiment are."""
    from tuner_job.cluster.storage import open_results, results_of  # here, so that --help is quick
    from tuner_job.cluster.template import read_template

    kube = release.kube
    template = read_template(kube, release.name)
    results = results_of(kube, name, template.results)
    with open_results(kube, template, results, release.endpoint, _say) as store:
        yield store


def _say(line: str) -> None:
    """What is no result of a command goes beside it."""
    click.echo(line, err=True)


def _purge(release: _Release, name: str, yes: bool) -> None:
    from tuner_job.cluster.cancel import belongings, purge  # here, so that --help is quick

    with _results_of(release, name) as store:
        found = belongings(release.kube, name, store)
        click.echo(f"to be removed: {found}")
        if not (yes or _confirmed(f"Remove all of experiment {name} for ever?")):
            raise ClusterError(f"experiment {name}: nothing was removed; answer yes, or give --yes")
        n_objects = purge(release.kube, found)
    click.echo(f"experiment {name} is removed, with {n_objects} objects in the store")


def _confirmed(question: str) -> bool:
    """Ask; no answer is no."""
    click.echo(f"{question} [y/N] ", nl=False)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _follow(kube: "Kube", name: str) -> None:
    """Follow to the end; a failed experiment is this command's failure too."""
    from tuner_job.cluster.follow import follow  # here, so that --help is quick

    try:
        seen = follow(kube, name, click.echo)
    except KeyboardInterrupt:
        click.echo(f"experiment {name} goes on without you; see va-tuning status {name}")
        return
    if seen.state != "succeeded":
        raise RunError(
            f"experiment {name}: {seen.state}{f': {seen.failure}' if seen.failure else ''}"
        )
    click.echo(f"experiment {name}: succeeded; va-tuning fetch {name} brings its results")


def _tell(name: str, seen: "Observation") -> None:
    click.echo(f"experiment {name}: {seen.state}{f': {seen.failure}' if seen.failure else ''}")
    for problem in seen.problems:
        click.echo(f"  {problem}")
    if seen.last_line and seen.state in ("running", "retrying", "waiting"):
        click.echo(f"  last in its log: {seen.last_line}")
