"""From an experiment file, and the files that it names, to a checked experiment: all problems at
once."""

import csv
import difflib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tuner_job.address import data_address
from tuner_job.config.code import read_own_modules
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.space_rules import Code, space_problems, unchecked
from tuner_job.errors import ConfigError
from tuner_job.files.yaml_file import read_yaml
from tuner_job.models import FAMILIES
from tuner_job.own_code.sources import Sources
from tuner_job.public import is_url
from tuner_job.schema import sentences
from tuner_job.wording import counted, listed, place, plain

_MOST_PROBLEMS = 10


class InvalidExperimentError(ConfigError):
    """What an experiment file holds is wrong; the message has the first problems.

    Attributes
    ----------
    problems
        All of them, each with its key.
    """

    def __init__(self, where: str, problems: list[str]):
        self.problems = problems
        lines = [f"  {problem}" for problem in problems[:_MOST_PROBLEMS]]
        if len(problems) > _MOST_PROBLEMS:
            lines.append(f"  and {len(problems) - _MOST_PROBLEMS:,} more")
        super().__init__("\n".join([f"{where}: {counted(len(problems), 'problem')}", *lines]))


def load_experiment(path: Path, mounted: str | None = None, code: Code = "run") -> ExperimentConfig:
    """Read and check an experiment file; relative paths in it are taken from its folder.

    Parameters
    ----------
    mounted
        Search spaces below this folder are somewhere else, and are not looked for here.
    code
        Whether estimators are imported; see `check_experiment`.

    Raises
    ------
    InvalidExperimentError
        With every problem, each with its key.
    """
    return check_experiment(read_yaml(path), place(path), path.parent, mounted, code=code)


def check_experiment(
    content: dict[str, Any],
    where: str,
    folder: Path = Path(),
    mounted: str | None = None,
    own_modules: Sources | None = None,
    code: Code = "run",
) -> ExperimentConfig:
    """Check what an experiment file holds; see `load_experiment`.

    Parameters
    ----------
    where
        Names it in messages.
    folder
        From which relative paths in it are taken, and where its own modules stand.
    own_modules
        Their texts, where they do not stand in the folder.
    code
        Whether estimators are imported; the search spaces of those that are not are left to
        whoever runs them.
    """
    problems: list[str] = []
    sources = read_own_modules(content, folder, own_modules, problems)
    _read_referenced_spaces(content, folder, mounted, problems)
    _read_referenced_causes(content, folder, problems)
    config = None
    try:
        config = ExperimentConfig.model_validate(content).with_own_modules(sources)
    except ValidationError as error:
        problems += sentences(error)
    if config:
        config = config.leaving(unchecked(config, code, problems))
        problems += space_problems(config)
    if problems or config is None:
        raise InvalidExperimentError(where, problems)
    return _with_absolute_paths(config, folder)


def _read_referenced_spaces(
    content: dict[str, Any], folder: Path, mounted: str | None, problems: list[str]
) -> None:
    """Put the spaces that stand in other files in place of their paths."""
    tuning, models = content.get("tuning"), content.get("models")
    if not isinstance(tuning, dict) or not isinstance(models, list):
        return
    spaces = tuning.get("search_spaces")
    if isinstance(spaces, str) and mounted and spaces.startswith(mounted):
        spaces = {}
    if isinstance(spaces, str):
        try:
            spaces = space_files(folder / spaces, models, _families(content))
        except ConfigError as error:
            problems += [f"tuning.search_spaces: {line}" for line in str(error).split("\n")]
            spaces = {}
    if not isinstance(spaces, dict):
        return
    read = {}
    for model, space in spaces.items():
        try:
            read[model] = read_yaml(folder / space) if isinstance(space, str | Path) else space
        except ConfigError as error:
            problems.append(f"tuning.search_spaces.{plain(model, 80)}: {error}")
    tuning["search_spaces"] = read


def _families(content: Mapping[str, Any]) -> list[str]:
    """Names of all models that can be searched."""
    estimators = content.get("estimators")
    return [*FAMILIES, *(map(str, estimators) if isinstance(estimators, dict) else ())]


def _read_referenced_causes(content: dict[str, Any], folder: Path, problems: list[str]) -> None:
    """Put a list of causes that stands in another file in place of its path."""
    data = content.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("causes"), str):
        return
    path = folder / data["causes"]
    try:
        data["causes"] = read_pairs(path) if path.suffix.lower() == ".csv" else read_yaml(path)
    except ConfigError as error:
        problems.append(f"data.causes: {error}")
        data["causes"] = {}


def read_pairs(path: Path) -> dict[str, str]:
    """Read a CSV file with the columns ``from`` and ``to``, commas or semicolons between them.

    Raises
    ------
    ConfigError
        It is not there or not such a file; the message names the row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # a ValueError: no UTF-8, or a NUL in the path
        reason = (error.strerror if isinstance(error, OSError) else "") or "it must be UTF-8 text"
        raise ConfigError(f"{place(path)}: cannot be read: {reason}") from None
    between = ";" if ";" in text.partition("\n")[0] else ","
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=between) if any(row)]
    if not rows or [name.strip().lower() for name in rows[0]] != ["from", "to"]:
        found = plain(",".join(rows[0]), 80) if rows else "nothing"
        raise ConfigError(f"{place(path)}: must begin with the header from,to; found {found}")
    pairs: dict[str, str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != 2 or not all(map(str.strip, row)):
            raise ConfigError(
                f"{place(path)}: row {number} must have two cells, a cause and its new name; found "
                f"{plain(','.join(row), 80)}"
            )
        old, new = map(str.strip, row)
        if pairs.setdefault(old, new) != new:
            raise ConfigError(
                f"{place(path)}: row {number} gives {plain(old, 80)} a second name; found "
                f"{plain(new, 80)} after {plain(pairs[old], 80)}"
            )
    return pairs


def space_files(
    folder: Path, models: Sequence[Any], known: Sequence[str] = tuple(FAMILIES)
) -> dict[str, Path]:
    """Find the file of each model in a folder of search spaces; one that is misnamed must not go
    unnoticed.

    Raises
    ------
    ConfigError
        With one line a problem.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except (OSError, ValueError) as error:  # a ValueError: a NUL in the path
        reason = (
            error.strerror if isinstance(error, OSError) else ""
        ) or "no path can hold the character NUL"
        raise ConfigError(
            f"{place(folder)}: must be a folder that holds <model>.yaml files: {reason}"
        ) from None
    files = [f"{family}.yaml" for family in known]
    wanted = [family for family in known if family in models]  # others are found out elsewhere
    problems = []
    for name in names:
        if name.endswith((".yaml", ".yml")) and name not in files:
            near = difflib.get_close_matches(name, files, n=1)
            problems.append(
                f"{place(folder / name)}: is named after no model; {_meant(near, known)}"
            )
    problems += [
        f"{place(folder)}: must hold a file for each of the models, but has no {model}.yaml"
        for model in wanted
        if f"{model}.yaml" not in names
    ]
    if problems:
        raise ConfigError("\n".join(problems))
    return {model: folder / f"{model}.yaml" for model in wanted}


def _meant(near: list[str], known: Sequence[str]) -> str:
    return f"did you mean {near[0]}?" if near else f"models are {listed(known)}"


def _with_absolute_paths(config: ExperimentConfig, folder: Path) -> ExperimentConfig:
    source = config.data.source
    if source is None or is_url(source):
        return config
    absolute = os.path.abspath(folder / data_address(source))  # noqa: PTH100 (resolve would follow links, round and round)
    data = config.data.model_copy(update={"source": absolute})
    return config.model_copy(update={"data": data})
