"""What of a training file is refused: kinds that its cells do not have, and columns that give away
the cause."""

import math
from collections.abc import Sequence

from tuner_job.data.codebook import FEWEST_DEATHS, Variable
from tuner_job.data.columns import Column, Table
from tuner_job.data.config import DataConfig, column_config
from tuner_job.data.dataset import IntArray
from tuner_job.data.telling import lists_causes, names_cause, tells_cause
from tuner_job.data.words import yaml_name
from tuner_job.errors import DataError
from tuner_job.wording import cell, counted, listed, plain

_SHOWN = 5
_MANY = 1_000


def check_stated(table: Table, variables: Sequence[Variable], config: DataConfig) -> None:
    """Refuse a kind in `data.columns` that the cells of the column do not have.

    Raises
    ------
    DataError
        If most cells are not of the kind, or answers of a column of yes and no are neither.
    """
    wrong, neither = [], []
    for variable in variables:
        own = column_config(variable.name, config)
        if variable.role != "feature" or not (own.kind or own.yes or own.no):
            continue
        name = plain(variable.name, 60)
        if variable.kind == "number" and 2 * variable.n_unread > variable.n_filled:
            wrong.append(f"{name} ({variable.kind}: {_unread(variable, table)})")
        few = variable.n_unread < FEWEST_DEATHS and 2 * variable.n_unread < variable.n_filled
        if variable.kind == "yes_no" and not few:
            neither.append(f"{name} ({_unread(variable, table)})")
    problems = []
    if wrong:
        problems.append(
            f"data.columns must state the kind that the cells of a column have; found "
            f"{listed(wrong, _SHOWN)}"
        )
    if neither:
        problems.append(
            "a column of yes and no must hold nothing else: name its other cells in yes, no or "
            f"missing of data.columns; found {listed(neither, _SHOWN)}"
        )
    if problems:
        raise DataError(f"{table.source}: {'; '.join(problems)}")


def _unread(variable: Variable, table: Table) -> str:
    counts = table.columns[variable.name].counts()
    odd = [text for text in counts if variable.meaning(text) is None]
    odd.sort(key=lambda text: (-counts[text], text))
    return listed((f"{cell(text)} in {counted(counts[text], 'row')}" for text in odd), 3)


def check_none_tells(
    table: Table,
    variables: Sequence[Variable],
    y: IntArray,
    causes: Sequence[str],
    config: DataConfig,
) -> None:
    """Refuse columns that give away the cause, unless `data.columns` states their kind.

    Raises
    ------
    DataError
        With the line that leaves them out.
    """
    found = {}
    for variable in variables:
        if variable.role != "feature" or column_config(variable.name, config).kind:
            continue
        column = table.columns[variable.name]
        if variable.kind == "number" and len(column.values) > 3 * len(causes) + _MANY:
            continue  # too many different numbers for a list of causes: spares reading them
        said = _said(variable, column)
        how = names_cause(variable.name, said, y, causes)
        if variable.kind in ("number", "choice"):
            how = how or tells_cause(said, y, variable.kind) or lists_causes(said, y, causes)
        if how:
            found[variable.name] = how
    if not found:
        return
    named = listed(f"{plain(name, 60)} ({how})" for name, how in found.items())
    drop = ", ".join(map(yaml_name, [*config.drop, *found]))
    raise DataError(
        f"{table.source}: a column must not give away the cause; found {named}; leave "
        f"{'it' if len(found) == 1 else 'them'} out with data.drop: [{drop}], or state in "
        "data.columns the kind of what is a symptom"
    )


def _said(variable: Variable, column: Column) -> Column:
    """The column without the cells that mean missing."""

    def says(text: str) -> str | None:
        meaning = variable.meaning(text)
        return None if meaning is not None and math.isnan(meaning) else text

    return column.map(says)
