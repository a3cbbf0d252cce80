"""What a command writes as files, as data frames and a page: predictions, and comparisons."""

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from tuner_job.api.report import Report
from tuner_job.errors import StoreError
from tuner_job.prediction.predict import Predicted
from tuner_job.prediction.tables import write_csmf, write_predictions
from tuner_job.results.store import Store
from tuner_job.wording import plain

if TYPE_CHECKING:
    import pandas as pd


class Prediction:
    """What a tuned model says of a file of deaths; made by `Run.predict`.

    Parameters
    ----------
    predicted
        Probabilities, cause fractions and what was said while they were made.
    """

    def __init__(self, predicted: Predicted):
        self.predicted = predicted

    @property
    def deaths(self) -> "pd.DataFrame":
        """A row a death, as ``predictions.csv`` has it."""
        return _table(lambda file: write_predictions(file, self.predicted))

    @property
    def csmf(self) -> "pd.DataFrame":
        """A row a cause of all deaths, then of each group, as ``csmf.csv`` has it."""
        return _table(lambda file: write_csmf(file, self.predicted))

    def report(
        self, title: str | None = None, country: str | None = None, author: str | None = None
    ) -> Report:
        """The page to show, with what it is to say at its head; in a notebook it shows itself."""
        from tuner_job.report.deaths import Heading, render_deaths  # brings figures

        return Report(render_deaths(self.predicted, Heading(title, country, author)), "")


class Comparison:
    """Models compared across sites; made by `Experiment.compare`.

    Parameters
    ----------
    address
        Where it stands.
    """

    def __init__(self, address: str):
        self.address = address

    def __repr__(self) -> str:
        return f"Comparison({self.address})"

    def table(self, name: str = "full_results") -> "pd.DataFrame":
        """One of its tables.

        Parameters
        ----------
        name
            ``full_results``, ``summary_statistics``, ``tuned_vs_default`` or another one that is
            there.

        Raises
        ------
        StoreError
            There is none of this name.
        """
        return _frame(self._read(f"{name}.csv").decode())

    def report(self) -> Report:
        """Its page; in a notebook it shows itself."""
        return Report(self._read("report.html").decode(), f"{self.address}/report.html")

    def _read(self, name: str) -> bytes:
        content = Store(self.address).get(name) if name.rpartition(".")[0].isidentifier() else None
        if content is None:
            raise StoreError(f"{self.address}: has no {plain(name, 80)}")
        return content


_TEXTS = frozenset(
    {
        *("id", "site", "cause", "cause_2", "cause_3", "by", "group", "few_deaths"),
        *("experiment_id", "train_site", "test_site", "model", "worker_id", "error"),
    }
)


def _table(write: Callable[[TextIO], Any]) -> "pd.DataFrame":
    file = io.StringIO()
    write(file)
    return _frame(file.getvalue())


def _frame(text: str) -> "pd.DataFrame":
    import pandas as pd  # takes half a second

    names = next(csv.reader(io.StringIO(text)))
    return pd.read_csv(
        io.StringIO(text),
        dtype=dict.fromkeys(_TEXTS.intersection(names), str),
        keep_default_na=False,  # NA and None are names that a file may have
        na_values=[""],
    )
