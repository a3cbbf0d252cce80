"""The commands that look at experiments: on a cluster, or, where that has forgotten them, in their
results."""

import json
import time
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from tuner_job.cli.base import checked, whole_number
from tuner_job.cli.on_cluster import (
    AS_JSON,
    NAME,
    OF_OWNER,
    of_release_or_results,
    say,
)
from tuner_job.errors import RunError, StoreError
from tuner_job.process.output import console
from tuner_job.wording import plain

if TYPE_CHECKING:
    from rich.table import Table

    from tuner_job.cluster.entry import Entry, Status
    from tuner_job.cluster.kube import Kube
    from tuner_job.cluster.told import Release

_PAUSE = 1.0
_WIDE = 300
"""Characters of a line of the list where no terminal shows it: one line an experiment, for grep."""


@click.command("list")
@AS_JSON
@OF_OWNER
@click.option("--mine", is_flag=True, help="Only what you have submitted.")
@of_release_or_results
def list_experiments(
    as_json: bool, owner: str | None, mine: bool, release: "Release | None", results: str | None
) -> None:
    """List experiments: those of a namespace and its release's store, or those at an address.

    How far they are their results tell, as long as you may read them: while they run, and after
    their RayJob and pods are gone.
    """
    from tuner_job.cluster.owner import is_of, whoever_submits  # here, so that --help is quick
    from tuner_job.process.owner import submitter

    found, reason = _found(release, str(results))
    if mine:
        owner = whoever_submits(release.kube.context) if release else submitter()
    if owner is not None:
        found = [entry for entry in found if is_of(entry.owner, owner)]
    if as_json:
        click.echo(json.dumps([entry.document() for entry in found], indent=2))
        return
    if reason and found:
        say(f"note: results cannot be read, so how far they are may be unknown: {reason}")
    where = f"namespace {release.kube.namespace}" if release else str(results)
    console(_WIDE).print(
        _table(found) if found else f"no experiments in {where}", soft_wrap=not found
    )


def _found(release: "Release | None", results: str) -> "tuple[list[Entry], str]":
    """All experiments, and why nothing of their results is told."""
    from tuner_job.cluster.entry import of_records  # here, so that --help is quick
    from tuner_job.cluster.listing import entries
    from tuner_job.results.progress import read_all_progress
    from tuner_job.results.store import FIRST_CONTACT, Store

    now = datetime.now(UTC)
    if release:
        return entries(release, now)
    store = Store(results, FIRST_CONTACT)
    return of_records(read_all_progress(store, store.folders()), now), ""


def _table(found: "list[Entry]") -> "Table":
    from rich.table import Table  # here, so that --help is quick

    from tuner_job.units import human_duration

    columns = ("experiment", "state", "trials", "best", "time", "left", "owner", "runs on")
    table = Table(*columns, box=None)
    for one in found:
        told = one.progress
        left = told.seconds_left if told and one.state == "running" else None
        table.add_row(
            plain(one.name),
            one.state if not told or not told.stage else f"{one.state}: {told.stage}",
            plain(one.trials),
            plain(one.best),
            human_duration(one.seconds),
            "" if left is None else human_duration(left),
            plain(one.owner, 40),
            _WHERE[one.own_cluster],
        )
    return table


_WHERE = {True: "its own cluster", False: "the installed cluster", None: ""}


@click.command()
@NAME
@AS_JSON
@of_release_or_results
def status(name: str, as_json: bool, release: "Release | None", results: str | None) -> None:
    """Say how an experiment is doing, and what holds it up.

    How far it is its results tell, also after its RayJob and pods are gone.
    """
    from tuner_job.cluster.status import status_of  # here, so that --help is quick

    now = datetime.now(UTC)
    seen = status_of(release, name, now) if release else _status_at(str(results), name, now)
    if as_json:
        click.echo(json.dumps(seen.document(), indent=2))
    else:
        _tell(seen)


@click.command()
@NAME
@click.option("--follow", is_flag=True, help="Go on until it ends.")
@click.option(
    "--tail",
    metavar="N",
    callback=checked(whole_number(0, 1_000_000)),
    help="Only the last lines. [default: all]",
)
@of_release_or_results
def logs(
    name: str, follow: bool, tail: int | None, release: "Release | None", results: str | None
) -> None:
    """Show what an experiment has logged.

    From the pod that has its log; where that is gone, from its results.
    """
    if follow:
        follow_to_the_end(release.kube, name) if release else _follow_at(str(results), name)
        return
    lines = _log_of(release, name, tail) if release else _log_at(str(results), name, tail)
    for line in lines if tail is None else deque(lines, maxlen=tail):
        click.echo(line)


def _status_at(results: str, name: str, now: datetime) -> "Status":
    from tuner_job.cluster.entry import status_told  # here, so that --help is quick
    from tuner_job.results.progress import read_progress
    from tuner_job.results.store import FIRST_CONTACT, Store

    store = Store(results, FIRST_CONTACT)
    found = read_progress(store, name)
    if found is None:
        raise StoreError(f"{store.url}/{name}: tells no progress; see va-tuning list --results")
    return status_told(name, found, now)


def follow_to_the_end(kube: "Kube", name: str) -> None:
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


def _log_of(release: "Release", name: str, tail: int | None) -> Iterable[str]:
    from tuner_job.cluster.follow import log_lines  # here, so that --help is quick
    from tuner_job.cluster.told import log_told

    lines = log_lines(release.kube, name)
    return log_told(release, name, tail) if lines is None else lines


def _log_at(results: str, name: str, tail: int | None) -> list[str]:
    from tuner_job.results.run_log import read_log
    from tuner_job.results.store import FIRST_CONTACT, Store

    store = Store(results, FIRST_CONTACT)
    lines = read_log(store, name, tail)
    if not lines and not read_log(store, name, 1):
        raise StoreError(f"{store.url}/{name}: holds no log; see va-tuning list --results")
    return lines


def _follow_at(results: str, name: str) -> None:
    """Tell the log as it grows, until the run has told its end, or is not heard of any more."""
    from tuner_job.results.progress import read_progress
    from tuner_job.results.run_log import read_log
    from tuner_job.results.store import Store

    store, told = Store(results), 0
    while True:
        found = read_progress(store, name)
        if found is None:
            raise StoreError(f"{store.url}/{name}: tells no progress; see va-tuning list --results")
        lines = read_log(store, name)
        for line in lines[told:]:
            click.echo(line)
        told = len(lines)
        if found.state == "done":
            return
        if found.state != "running" or found.is_silent(datetime.now(UTC)):
            raise RunError(f"experiment {name}: {found.reason or 'nobody runs it any more'}")
        time.sleep(_PAUSE)


def _tell(seen: "Status") -> None:
    from tuner_job.results.progress import in_words

    entry, told = seen.entry, seen.entry.progress
    why = f": {seen.failure}" if seen.failure else ""
    click.echo(f"experiment {entry.name}: {entry.state}{why}")
    if told:
        click.echo(f"  {plain(in_words(told), 1000)}")
        if told.best:
            score = f"{plain(told.metric, 40)} {told.best.score:.4f}"
            click.echo(f"  best: {plain(told.best.model, 40)} trial {told.best.trial}, {score}")
        click.echo(f"  {plain(told.run_by)}{f'; of {plain(entry.owner)}' if entry.owner else ''}")
    elif entry.trials:
        click.echo(f"  trials {plain(entry.trials)}; best {plain(entry.best) or '–'}")
    for problem in seen.problems:
        click.echo(f"  {problem}")
    if seen.last_line and entry.state in ("running", "retrying", "waiting"):
        click.echo(f"  last in its log: {seen.last_line}")


COMMANDS = (list_experiments, status, logs)
