"""The command that shows results in a browser."""

import click

from tuner_job.address import results_address
from tuner_job.cli.base import checked, whole_number


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULTS…")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    default="8765",
    show_default=True,
    metavar="N",
    callback=checked(whole_number(0, 65535)),
    help="The port; 0: any that is free.",
)
def serve(results: tuple[str, ...], host: str, port: int) -> None:
    """Show results in a browser, while experiments run and after.

    RESULTS are addresses of results, of one experiment or of one comparison: folders, or s3://…,
    gs://… and az://…. Nothing is written there.

    The page is for this machine alone. With another --host it is for others too, and asks for a
    token: that in VA_TUNING_WEB_TOKEN, or one that is made and printed.
    """
    from tuner_job.web.place import places  # here, so that --help is quick
    from tuner_job.web.server import Bind, serve_forever

    addresses = [_checked(one) for one in results]
    serve_forever(places(addresses), Bind(host, port), click.echo)


def _checked(address: str) -> str:
    try:
        return results_address(address)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="RESULTS") from None
