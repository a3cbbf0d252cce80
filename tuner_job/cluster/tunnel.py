"""A local port that leads to a pod's port, as `kubectl port-forward` does it."""

import logging
import select
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tuner_job.cluster.kube import Kube
from tuner_job.errors import ClusterError, StoreError

_log = logging.getLogger(__name__)

_CHUNK = 2**16


@contextmanager
def tunnel(kube: Kube, pod: str, port: int) -> Iterator[int]:
    """Listen on a free port of 127.0.0.1 and pass each connection on; return the port's number.

    Raises
    ------
    ClusterError
        In place of storage's own error, if no connection could be made.
    """
    refusals: list[ClusterError] = []

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                remote = kube.open_port(pod, port)
            except ClusterError as error:
                _log.debug("pod %s, port %d: %s", pod, port, error)
                refusals.append(error)
                return
            refusals.clear()
            try:
                _pass_on(self.request, remote)
            finally:
                remote.close()

    with _Server(("127.0.0.1", 0), Connection) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        except StoreError:
            if refusals:
                raise refusals[-1] from None
            raise
        finally:
            server.shutdown()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is the client's to repeat."""


def _pass_on(near: Any, far: Any) -> None:
    """Copy both ways until one side ends."""
    other = {near: far, far: near}
    while True:
        for source in select.select([near, far], [], [])[0]:
            content = source.recv(_CHUNK)
            if not content:
                return
            other[source].sendall(content)
