"""Data that go along with an experiment: where they go, and their way there."""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tuner_job.results.store import Store, read_bytes

_LONGEST_NAME = 80


@dataclass(frozen=True)
class Upload:
    """A data file and the key below the results under which it goes."""

    source: Path
    key: str
    content: bytes

    def copy_to(self, store: Store) -> bool:
        """Copy the file unless it is there; return whether this call did."""
        return store.create(self.key, self.content)


def plan_upload(folder: str, data: Path) -> Upload:
    """Read a data file; its key is its digest, so that equal data are there once, and a readable
    name.

    Raises
    ------
    StoreError
        The file cannot be read.
    """
    content = read_bytes(str(data))
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", data.name)[-_LONGEST_NAME:]
    return Upload(data, f"{folder}/{sha256(content).hexdigest()[:16]}-{name}", content)
