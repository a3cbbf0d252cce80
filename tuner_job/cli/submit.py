"""The command that submits an experiment to a cluster, or prints what would be."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from tuner_job.cli.on_cluster import OWNER, Where, say, somewhere
from tuner_job.cli.watching import follow_to_the_end
from tuner_job.process.output import expendable
from tuner_job.wording import plain

if TYPE_CHECKING:
    from tuner_job.cluster.submit import Submission
    from tuner_job.cluster.told import Release


@dataclass(frozen=True)
class How:
    """The options of `submit` that say how."""

    follow: bool
    own_cluster: bool
    upload: bool
    owner: str | None
    image: str
    dry_run: bool
    template: Path | None


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
    "--image",
    default="",
    metavar="IMAGE",
    help="With --own-cluster: its pods' image, the release's with packages added.",
)
@OWNER
@click.option(
    "--dry-run", is_flag=True, help="Print the YAML for `kubectl apply`; create and copy nothing."
)
@click.option(
    "--template",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --dry-run, ask no cluster: take the release's RayJob template from what `helm "
    "template` printed; - is standard input.",
)
@somewhere
def submit(experiment: Path, where: Where, **options: Any) -> None:
    """Run an experiment file on the cluster.

    It runs on the release's Ray cluster, as a RayJob of the experiment's name; its results go to
    the release's store unless the file names another one. Submitting an experiment that was
    cancelled or has failed goes on where it stopped.
    """
    from tuner_job.cluster.submit import submit as create  # here, so that --help is quick

    how = How(**options)
    if how.template is not None:
        _print(_of_file(experiment, where, how))
        return
    release = where.release(say)
    made = _of_release(experiment, release, how)
    if how.dry_run:
        _print(made)
        return
    expendable()
    create(release.kube, made, release.endpoint, say)
    for note in made.notes:
        say(f"note: {note}")
    click.echo(f"experiment {made.name} is submitted to namespace {release.kube.namespace}")
    if how.follow:
        follow_to_the_end(release.kube, made.name)
    else:
        click.echo(f"see va-tuning status {made.name}, or va-tuning logs {made.name} --follow")


def _of_release(experiment: Path, release: "Release", how: How) -> "Submission":
    from tuner_job.cluster.owner import whoever_submits  # here, so that --help is quick
    from tuner_job.cluster.submit import Asked, build
    from tuner_job.cluster.template import Located, read_template

    kube = release.kube
    owner = how.owner or whoever_submits(kube.context)
    return build(
        experiment,
        Asked(how.own_cluster, how.upload, owner, how.image),
        lambda: Located(read_template(kube, release.name), kube.namespace),
    )


def _of_file(experiment: Path, where: Where, how: How) -> "Submission":
    """Make what would be submitted without asking any cluster."""
    from tuner_job.cluster.owner import whoever_submits  # here, so that --help is quick
    from tuner_job.cluster.submit import Asked, build
    from tuner_job.cluster.template_file import read_template_file

    assert how.template is not None  # or the release's is taken
    path = how.template
    if not how.dry_run:
        raise click.UsageError("--template needs --dry-run: what runs is the release's own")
    owner = how.owner or whoever_submits(where.context)
    made = build(
        experiment,
        Asked(how.own_cluster, how.upload, owner, how.image),
        lambda: read_template_file(path, where.namespace),
    )
    say(
        "note: no cluster was asked: whether the release is installed with this template, and "
        f"whether an experiment {made.name} is there, shows when it is applied"
    )
    return made


def _print(made: "Submission") -> None:
    for note in made.notes:
        say(f"note: {note}")
    if made.upload:
        click.echo(
            f"# without --dry-run, {plain(made.upload.source)} is copied to data.source first"
        )
    click.echo(yaml.safe_dump_all([made.experiment, made.job], sort_keys=False), nl=False)
