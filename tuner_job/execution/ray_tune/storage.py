"""Where Ray Tune keeps trials on their way: below the results, read and written by pyarrow.

Credentials come from the environment of each process, under the names that `results.store` reads
too, and are never written: Ray Tune stores its file system with the state of its trials.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from pyarrow import fs

from tuner_job.address import parse
from tuner_job.execution.ray_tune.checkpoint import FILE, Progress, read_progress

NAME = "ray-tune"
_CHECKPOINT = re.compile(rf"/(\d+)-(\d+)/checkpoint_(\d+)/{re.escape(FILE)}$")


@dataclass(frozen=True)
class TuneFolder:
    """The folder ``<experiment>/<model>/ray-tune``."""

    filesystem: fs.FileSystem
    parent: str

    @classmethod
    def below(cls, url: str) -> "TuneFolder":
        """Take the folder of a model at an address as `Store` takes it."""
        address = parse(url)
        if address.scheme == "file":
            return cls(fs.LocalFileSystem(), str(Path(address.path).absolute()))
        return cls(_cloud(address.scheme), f"{address.place}/{address.path}")

    @property
    def path(self) -> str:
        """The folder itself, as the file system names it."""
        return f"{self.parent}/{NAME}"

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading."""
        file: IO[bytes] = self.filesystem.open_input_file(path)
        return file

    def under_way(self) -> tuple[dict[int, tuple[Progress, str]], int]:
        """Find the newest whole checkpoint of each trial.

        Returns
        -------
        Trial → how far it was and the checkpoint's path; and the number of runs so far.
        """
        newest: dict[int, tuple[Progress, str]] = {}
        runs = 0
        for trial, run, path in self._checkpoints():
            runs = max(runs, run + 1)
            if trial not in newest:
                with self.open(path) as file:
                    progress = read_progress(file)
                if progress:
                    newest[trial] = (progress, path)
        return newest, runs

    def remove(self) -> None:
        """Delete everything in it."""
        if self.filesystem.get_file_info(self.path).type != fs.FileType.NotFound:
            self.filesystem.delete_dir(self.path)

    def _checkpoints(self) -> Iterator[tuple[int, int, str]]:
        """Trial, run and path of every checkpoint, a trial's newest first."""
        selector = fs.FileSelector(self.path, allow_not_found=True, recursive=True)
        found = []
        for info in self.filesystem.get_file_info(selector):
            if match := _CHECKPOINT.search(info.path):
                trial, run, number = map(int, match.groups())
                found.append((trial, run, number, info.path))
        for trial, run, _, path in sorted(found, reverse=True):
            yield trial, run, path


def _cloud(scheme: str) -> fs.FileSystem:
    environment = os.environ.get
    match scheme:
        case "s3":
            endpoint = urlsplit(environment("AWS_ENDPOINT_URL", ""))
            address = (
                {"scheme": endpoint.scheme, "endpoint_override": endpoint.netloc}
                if endpoint.netloc
                else {}
            )
            region = environment("AWS_REGION") or environment("AWS_DEFAULT_REGION")
            return fs.S3FileSystem(**address, **({"region": region} if region else {}))
        case "gs":
            return fs.GcsFileSystem()
        case _:
            return fs.AzureFileSystem(environment("AZURE_STORAGE_ACCOUNT_NAME"))
