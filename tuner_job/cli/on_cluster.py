"""Options that commands on a Kubernetes cluster share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce, wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from tuner_job.cli.base import IS_ADDRESS, checked

if TYPE_CHECKING:
    from tuner_job.cluster.told import Release

Options = tuple[Callable[..., Any], ...]


def _checked(rule: str, room: str = "names") -> Callable[..., Any]:
    """Check a name by a rule of `cluster`, which is imported only then, as soon as it is given."""
    return checked(lambda name: getattr(import_module(f"tuner_job.cluster.{room}"), rule)(name))


NAME = click.argument("name", callback=_checked("check_experiment"))
AS_JSON = click.option("--json", "as_json", is_flag=True, help="For programs: as one document.")
OWNER = click.option(
    "--owner",
    callback=_checked("check_owner", "owner"),
    help="Who submits it. [default: VA_TUNING_OWNER, else the user of the kubeconfig's context]",
)
OF_OWNER = click.option(
    "--owner", callback=_checked("check_owner", "owner"), help="Only what somebody has submitted."
)
_CLUSTER: Options = (
    click.option(
        "--namespace",
        "-n",
        callback=_checked("check_namespace"),
        help="Namespace of the release. [default: the context's]",
    ),
    click.option(
        "--context",
        callback=_checked("check_context"),
        help="Context of the kubeconfig file. [default: the current one]",
    ),
)
_RELEASE: Options = (
    click.option(
        "--release",
        default="va-tuning",
        show_default=True,
        callback=_checked("check_release"),
        help="Name of the Helm release.",
    ),
    click.option(
        "--endpoint",
        help="An address outside of the cluster that you trust: results are reached at "
        "this address, which the release names for its store, with the store's keys.",
    ),
)
_RESULTS = click.option(
    "--results",
    **IS_ADDRESS,
    help="Look there, and not on a cluster: where results go, a folder or s3://….",
)


@dataclass(frozen=True)
class Where:
    """Which release on which cluster, as options say it; nothing is asked yet."""

    context: str | None
    namespace: str | None
    name: str
    endpoint: str | None

    def release(self, say: Callable[[str], None]) -> "Release":
        """Find the cluster; `say` is told where results are reached."""
        from tuner_job.cluster.kube import Kube  # here, so that --help is quick
        from tuner_job.cluster.told import Release

        return Release(Kube(self.context, self.namespace), self.name, self.endpoint, say)


def on_cluster(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which cluster and namespace; the command takes the `Kube`."""

    @wraps(command)
    def connected(context: str | None, namespace: str | None, **given: Any) -> None:
        from tuner_job.cluster.kube import Kube  # here, so that --help is quick

        command(kube=Kube(context, namespace), **given)

    return _with(_CLUSTER, connected)


def somewhere(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which release, and where its store's keys may go; the command takes
    the `Where`."""

    @wraps(command)
    def placed(
        context: str | None, namespace: str | None, release: str, endpoint: str | None, **given: Any
    ) -> None:
        command(where=Where(context, namespace, release, endpoint), **given)

    return _with((*_CLUSTER, *_RELEASE), placed)


def of_release(command: Callable[..., None]) -> Callable[..., None]:
    """Add the same options; the command takes the `Release`."""

    @wraps(command)
    def connected(where: Where, **given: Any) -> None:
        command(release=where.release(say), **given)

    return somewhere(connected)


def of_release_or_results(command: Callable[..., None]) -> Callable[..., None]:
    """Add the same options, and the one that names an address of results instead; the command takes
    the `Release` or the address, and None for the other one."""

    @wraps(command)
    def placed(where: Where, results: str | None, **given: Any) -> None:
        if results is None:
            command(release=where.release(lambda line: None), results=None, **given)
            return
        if where.context or where.namespace or where.endpoint:
            raise click.UsageError("--results needs no cluster: give that, or a cluster's options")
        command(release=None, results=results, **given)

    return _with((_RESULTS,), somewhere(placed))


def say(line: str) -> None:
    """What is no result of a command goes beside it."""
    click.echo(line, err=True)


def _with(options: Options, command: Callable[..., Any]) -> Callable[..., Any]:
    return reduce(lambda made, option: option(made), reversed(options), command)
