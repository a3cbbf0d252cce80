"""The codebook as a table: how each column of the data is read."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from tuner_job.data.in_words import by_doubt, meaning, remarks
from tuner_job.records import VariableRecord
from tuner_job.wording import counted, plain


def codebook_table(variables: Sequence[VariableRecord], most: int | None) -> Table:
    """One row a column, the most doubtful first; `most` rows, or all."""
    ordered = by_doubt(variables)
    shown = ordered[:most]
    left = len(ordered) - len(shown)
    table = Table(
        title="How the columns are read",
        caption=f"{counted(left, 'more column')}: --columns shows all" if left else None,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("column", overflow="fold")
    table.add_column("read as", overflow="fold")
    table.add_column("filled", justify="right", no_wrap=True)
    table.add_column("remarks", overflow="fold")
    for variable in shown:
        table.add_row(
            plain(variable.name, 60), meaning(variable), f"{variable.n_filled:,}", remarks(variable)
        )
    return table
