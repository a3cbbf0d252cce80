"""A value that many calls read: its arrays lie in one nameless file, which every worker maps and
none copies."""

import mmap
import os
import pickle
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import IO, Any

_ALIGNED = 64  # bytes, as arrays like to begin
WHOLE, MAPPED = b"w", b"m"
"""First byte of the message that brings such a value: all in it, or its arrays in a file."""


@dataclass(frozen=True)
class Shared:
    """Stands for such a value among the arguments of a call."""

    number: int


class SharedValue:
    """The driver's side of it.

    Parameters
    ----------
    in_file
        Whether workers can be given files.
    """

    def __init__(self, number: int, value: Any, in_file: bool):
        self._number = number
        buffers: list[pickle.PickleBuffer] = []
        self._file: IO[bytes] | None = None
        if in_file:
            content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL, buffer_callback=buffers.append)
            self._file, spans = _written([buffer.raw() for buffer in buffers])
            self._message = MAPPED + pickle.dumps((number, content, spans))
        else:
            self._message = WHOLE + pickle.dumps((number, value), pickle.HIGHEST_PROTOCOL)

    def send(self, connection: Connection, pid: int) -> None:
        """Give it to a worker."""
        connection.send_bytes(self._message)
        if self._file is not None:
            send_handle(connection, self._file.fileno(), pid)

    def close(self) -> None:
        """Let go of the file; workers keep theirs."""
        if self._file is not None:
            self._file.close()


def receive(message: bytes, connection: Connection) -> tuple[int, Any]:
    """Take such a value in a worker: its number, and the value with read-only arrays."""
    if message[:1] == WHOLE:
        number, value = pickle.loads(message[1:])
        return number, value
    number, content, spans = pickle.loads(message[1:])
    descriptor = recv_handle(connection)
    os.set_inheritable(descriptor, False)
    mapped = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
    os.close(descriptor)
    return number, pickle.loads(content, buffers=[mapped[low:high] for low, high in spans])


def _written(buffers: Sequence[memoryview]) -> tuple[IO[bytes], list[tuple[int, int]]]:
    """Write arrays to a file that has no name, and so goes with the last process that has it open;
    return it and where each array is."""
    file, spans = _nameless(), []
    for buffer in buffers:
        low = -(-file.tell() // _ALIGNED) * _ALIGNED
        file.seek(low)
        file.write(buffer)
        spans.append((low, low + buffer.nbytes))
    file.write(b"\0")  # nothing can be mapped of an empty file
    file.flush()
    return file, spans


def _nameless() -> IO[bytes]:
    if hasattr(os, "memfd_create"):  # Linux: in memory
        return os.fdopen(os.memfd_create("va-tuning"), "w+b")
    return tempfile.TemporaryFile()
