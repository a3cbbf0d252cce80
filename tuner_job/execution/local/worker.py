"""What a worker does until its connection ends: call functions, and say what came of them."""

import os
import pickle
from multiprocessing.connection import Client, Connection
from typing import Any

from tuner_job.execution.local.shared import MAPPED, WHOLE, Shared, receive
from tuner_job.failure import describe_failure

CALL, VALUE, FAILURE = b"c", b"v", b"f"
"""First byte of the message that asks for a call, and of its two answers."""

KEY = "VA_TUNING_WORKER_KEY"
"""Environment variable by which a new interpreter knows whom to show itself to."""


def main(address: str) -> None:
    """Be a worker that is no copy of another process: connect to who has started it."""
    work(Client(address, authkey=bytes.fromhex(os.environ.pop(KEY))))


def work(connection: Connection) -> None:
    """Serve one connection."""
    shared: dict[int, Any] = {}
    while True:
        try:
            message = connection.recv_bytes()
            if message[:1] in (WHOLE, MAPPED):
                number, value = receive(message, connection)
                shared[number] = value
            else:
                connection.send_bytes(_answer(message, shared))
        except (EOFError, OSError):  # the driver is gone, or has done with this worker
            return


def _answer(message: bytes, shared: dict[int, Any]) -> bytes:
    try:
        function, arguments = pickle.loads(message[1:])
        given = [shared[one.number] if isinstance(one, Shared) else one for one in arguments]
        return VALUE + pickle.dumps(function(*given), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:  # whatever it is, the driver is told
        return FAILURE + pickle.dumps(describe_failure(error))
