"""Trials as a wide table in a file, for notebooks and spreadsheets."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from tuner_job.files.spreadsheet import cell
from tuner_job.records import TrialRecord
from tuner_job.results.trial_table import Column, trial_columns


def wide_csv(trials: Mapping[str, Sequence[TrialRecord]]) -> str:
    """Write the table as CSV: an empty cell is what a trial does not have, ``null`` the value
    None."""
    columns = trial_columns(trials, none="null")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([cell(name) for name in columns])
    for row in zip(*columns.values(), strict=True):
        writer.writerow(["" if value is None else cell(_plain(value)) for value in row])
    return out.getvalue()


def parquet(trials: Mapping[str, Sequence[TrialRecord]]) -> bytes:
    """Write the table as Parquet; a parameter whose values are of several kinds is text."""
    import pyarrow as pa
    import pyarrow.parquet as pa_parquet

    def array(values: Column) -> Any:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            return pa.array([None if value is None else str(_plain(value)) for value in values])

    table = pa.table({name: array(values) for name, values in trial_columns(trials).items()})
    out = io.BytesIO()
    pa_parquet.write_table(table, out)
    return out.getvalue()


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
