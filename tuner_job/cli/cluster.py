"""The commands that work on a Kubernetes cluster."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner_job.cli import submit, watching
from tuner_job.cli.on_cluster import NAME, of_release
from tuner_job.errors import ClusterError
from tuner_job.wording import counted

if TYPE_CHECKING:
    from tuner_job.cluster.told import Release


@click.command()
@NAME
@click.option("--purge", is_flag=True, help="Remove its results and uploads from the store, too.")
@click.option("--yes", is_flag=True, help="Purge without asking.")
@of_release
def cancel(name: str, purge: bool, yes: bool, release: "Release") -> None:
    """Stop an experiment; its finished trials stay in the store.

    Submitting the same file again goes on from there. With --purge nothing of the experiment is
    left: neither its RayJob and ConfigMap nor, in the store, anything below its name. Only a
    TuningExperiment stays, with its ConfigMap.
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
@of_release
def fetch(name: str, output: Path, release: "Release") -> None:
    """Copy an experiment's results here: report, trials, models.

    Also those of one that runs or was cancelled, as far as they are. The store's keys are read from
    the release's Secret, or, where that is not allowed, from the environment. They go to the store
    that the release names: a Service of its namespace, or an address outside of the cluster that
    --endpoint or your AWS_ENDPOINT_URL names too.
    """
    from tuner_job.cluster.fetch import fetch as copy  # here, so that --help is quick
    from tuner_job.cluster.told import results_opened

    with results_opened(release, name) as store:
        folder, n_objects = copy(store, name, output)
    click.echo(f"{folder}: {counted(n_objects, 'object')}")
    if (folder / "report.html").exists():
        click.echo(f"report: {folder / 'report.html'}")


COMMANDS = (submit.submit, *watching.COMMANDS, cancel, fetch)


def _purge(release: "Release", name: str, yes: bool) -> None:
    from tuner_job.cluster.cancel import belongings, purge  # here, so that --help is quick
    from tuner_job.cluster.told import results_opened

    with results_opened(release, name) as store:
        found = belongings(release.kube, name, store)
        click.echo(f"to be removed: {found}")
        if not (yes or _confirmed(f"Remove all of experiment {name} for ever?")):
            raise ClusterError(f"experiment {name}: nothing was removed; answer yes, or give --yes")
        n_objects = purge(release.kube, found)
    removed = f"with {counted(n_objects, 'object')} in the store"
    if found.stays_with:
        click.echo(f"the run of experiment {name} is removed, {removed}; {found.what_stays}")
    else:
        click.echo(f"experiment {name} is removed, {removed}")


def _confirmed(question: str) -> bool:
    """Ask; no answer is no, and neither is there one where standard input is closed."""
    click.echo(f"{question} [y/N] ", nl=False)
    return sys.stdin is not None and sys.stdin.readline().strip().lower() in ("y", "yes")
