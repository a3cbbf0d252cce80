"""What is predicted as two tables: a row a death, and a row a cause of each group."""

import csv
from collections.abc import Iterable, Sequence
from typing import TextIO

import numpy as np

from tuner_job.files.spreadsheet import cell
from tuner_job.prediction.predict import Predicted
from tuner_job.types import Floats

N_FIRST = 3
"""Causes of a death that are named, the most probable first."""
CSMF_COLUMNS = ("by", "group", "cause", "n", "fraction", "lower", "upper", "few_deaths")


def write_predictions(file: TextIO, predicted: Predicted) -> None:
    """Write one row a death: what it is known by, its first causes, how many of its answers are
    doubtful, and the probability of each cause."""
    causes = [cell(cause) for cause in predicted.tuned.causes]
    named = [
        name
        for place in range(1, N_FIRST + 1)
        for name in ("cause", "probability")
        for name in [name if place == 1 else f"{name}_{place}"]
    ]
    labels = predicted.deaths.labels
    order = np.argsort(-predicted.shown, axis=1, kind="stable")[:, :N_FIRST]
    rows = (
        [cell(known), cell(site), *_first(causes, p, first), n, *_fixed(p)]
        for known, site, n, p, first in zip(
            labels.ids,
            labels.sites,
            predicted.deaths.n_doubtful.tolist(),
            predicted.shown,
            order,
            strict=True,
        )
    )
    _write(file, ["id", "site", *named, "doubtful_answers", *causes], rows)


def write_csmf(file: TextIO, predicted: Predicted) -> None:
    """Write one row a cause of all deaths, then of each group."""
    causes = [cell(cause) for cause in predicted.tuned.causes]
    rows = (
        [cell(one.by), cell(one.group), cause, one.n, *_fixed(numbers), "yes" if one.few else "no"]
        for one in predicted.csmf
        for cause, *numbers in zip(causes, one.fractions, one.low, one.high, strict=True)
    )
    _write(file, CSMF_COLUMNS, rows)


def _first(causes: Sequence[object], p: Floats, order: Floats) -> list[object]:
    """The first causes, each with its probability; empty where there are fewer."""
    found: list[object] = []
    for place in order.tolist():
        found += [causes[place], *_fixed([p[place]])]
    return [*found, *[""] * (2 * N_FIRST - len(found))]


def _fixed(shares: Iterable[float]) -> list[str]:
    return [f"{share:.6f}" for share in shares]


def _write(file: TextIO, header: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    writer = csv.writer(file)
    writer.writerow(header)
    writer.writerows(rows)
