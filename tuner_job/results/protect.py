"""Files that the user asks for must not take the place of what an experiment stores."""

import os
from collections.abc import Mapping
from pathlib import Path

from tuner_job.errors import InputError
from tuner_job.files.whole import local_path
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.wording import plain

_OBJECTS = (
    "logs",
    ".damaged",
    "experiment.yaml",
    "provenance.json",
    "start_from.json",
    "lease.json",
    "progress.json",
    "summary.json",
    "report.html",
)


def check_outside_results(
    store: ExperimentStore, outputs: Mapping[str, Path], but: str = ""
) -> None:
    """Refuse outputs that would replace an object of an experiment in a folder.

    Parameters
    ----------
    outputs
        Option → the file that it names.
    but
        The object that the command writes itself.

    Raises
    ------
    InputError
    """
    place = local_path(store.url)
    if place is None:
        return
    folder = Path(os.path.realpath(place))
    for option, path in outputs.items():
        target = Path(os.path.realpath(path))
        inside = target.relative_to(folder).parts if target.is_relative_to(folder) else ()
        if (
            inside
            and inside != (but,)
            and (inside[0] in _OBJECTS or _is_of_a_model(folder / inside[0]))
        ):
            raise InputError(
                f"{option}: {plain(path)} is part of the experiment's results; name another file"
            )


def _is_of_a_model(folder: Path) -> bool:
    return any((folder / kind).is_dir() for kind in ("trials", "commits", "models"))
