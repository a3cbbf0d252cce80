"""The server: a port, the application on it, and a folder of this machine for what is drawn."""

import asyncio
import errno
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from tuner_job.errors import InputError
from tuner_job.web.access import TOKEN, chosen_token, is_loopback
from tuner_job.web.app import application
from tuner_job.web.place import Place
from tuner_job.web.site import Site
from tuner_job.wording import plain

_BACKLOG = 128


@dataclass(frozen=True)
class Bind:
    """Where a server listens; port 0: any that is free."""

    host: str
    port: int


def serve_forever(places: Sequence[Place], bind: Bind, say: Callable[[str], None]) -> None:
    """Answer requests until the process is told to end.

    Parameters
    ----------
    say
        Told where the page is, once it can be opened.

    Raises
    ------
    InputError
        The port is taken, or nothing can listen at this address.
    """
    given = os.environ.get(TOKEN)
    token = chosen_token(bind.host, given)
    with _listening(bind) as sock, tempfile.TemporaryDirectory(prefix="va-tuning-web-") as folder:
        app = application(places, Path(folder), token)
        shown = "" if token is None or given else f"?token={token}"
        say(f"{_address(bind.host, sock)}/{shown}")
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, date_header=False,
            timeout_graceful_shutdown=1, lifespan="off", proxy_headers=False,
        )  # fmt: skip
        asyncio.run(_until_told(_Server(config), sock, app.state.site))


async def _until_told(server: uvicorn.Server, sock: socket.socket, site: Site) -> None:
    """Serve; whatever ends that ends what was started for it, for which the event loop waits."""
    try:
        await server.serve(sockets=[sock])
    finally:
        site.close()


class _Server(uvicorn.Server):
    """Leaves signals to the process of the command."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """Capture none."""
        return nullcontext()


@contextmanager
def _listening(bind: Bind) -> Iterator[socket.socket]:
    where = f"{plain(bind.host, 80)}, port {bind.port}"
    try:
        found = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:  # a name that can be none
        why = (isinstance(error, OSError) and error.strerror) or "it is no name of a machine"
        raise InputError(
            f"--host: must be a name or address of this machine, got {plain(bind.host, 80)}: {why}"
        ) from None
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(address)
            sock.listen(_BACKLOG)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = (
                "the port is in use; choose another one with --port" if taken else error.strerror
            )
            raise InputError(f"{where}: nothing can be served there: {reason}") from None
        yield sock


def _address(host: str, sock: socket.socket) -> str:
    bound, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    elif is_loopback(host):  # of localhost's addresses, the one that answers
        host = bound
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
