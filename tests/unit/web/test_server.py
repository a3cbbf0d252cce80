"""The address that is said is one that answers."""

import socket
from unittest.mock import Mock

import pytest

from tuner_job.web.server import _address


@pytest.mark.parametrize(
    ("host", "bound", "said"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.2", "127.0.0.2"),
        ("localhost", "127.0.0.1", "127.0.0.1"),
        ("localhost", "::1", "[::1]"),
        ("::1", "::1", "[::1]"),
        ("results.example.org", "10.0.0.1", "results.example.org"),
        ("fd00::7", "fd00::7", "[fd00::7]"),
    ],
)
def test_the_address_that_is_said_is_where_it_listens(host: str, bound: str, said: str) -> None:
    name = (bound, 8765, 0, 0) if ":" in bound else (bound, 8765)
    sock = Mock(spec=socket.socket, getsockname=lambda: name)
    assert _address(host, sock) == f"http://{said}:8765"
