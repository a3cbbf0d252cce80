"""The command that the chart's controller runs."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner_job.cli.on_cluster import on_cluster
from tuner_job.errors import ConfigError
from tuner_job.process.output import expendable

if TYPE_CHECKING:
    from tuner_job.cluster.kube import Kube
    from tuner_job.operator.notify import Receiver

_KEY = "VA_TUNING_NOTIFY_KEY"
_ADDRESS = "VA_TUNING_NOTIFY_URL"


@click.command(hidden=True)
@click.option("--release", default="va-tuning", show_default=True, help="Prefix of its objects.")
@click.option("--instance", help="Name of the release, as labels have it. [default: the prefix]")
@click.option(
    "--retention",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Remove RayJobs and ConfigMaps so long after an experiment's end. [default: never]",
)
@click.option(
    "--alive",
    type=click.Path(path_type=Path),
    default=Path("/tmp/alive"),
    show_default=True,
    help="A file that is touched after each look.",
)
@on_cluster
def operator(
    release: str, instance: str | None, retention: float | None, alive: Path, kube: "Kube"
) -> None:
    """Act on the TuningExperiment objects of a namespace, until it is stopped.

    Ends of experiments are told to VA_TUNING_NOTIFY_URL, signed with VA_TUNING_NOTIFY_KEY.
    """
    from tuner_job.operator.controller import Controller, Settings  # here, so that --help is quick
    from tuner_job.operator.process import run
    from tuner_job.operator.results import Results

    expendable()
    settings = Settings(release, instance or release, retention)
    controller = Controller(kube, settings, Results(), _receiver())
    run(kube, controller.look, settings.labels, alive)


def _receiver() -> "Receiver | None":
    """Who is told of ends; None where no address is given."""
    from tuner_job.operator.notify import Receiver  # here, so that --help is quick

    url, key = os.environ.get(_ADDRESS, ""), os.environ.get(_KEY, "").strip()
    if not url:
        return None
    if not url.startswith(("https://", "http://")):
        raise ConfigError(f"{_ADDRESS}: must be an http(s) address; it is not")
    if not key:
        raise ConfigError(f"{_KEY}: must hold the key that notifications are signed with")
    return Receiver(url, key.encode())
