"""Whether deaths that a model is scored on are among those that it was fitted on.

Nothing is stored of single deaths. The deaths of a whole training file, or of a whole hold-out, are
recognised by one digest of all of them; some of them among others only where the training file is
at hand to be looked into.
"""

import numpy as np

from tuner_job.data.dataset import FloatArray, IntArray, digest_of_rows, digests_by_row
from tuner_job.errors import VaTuningError
from tuner_job.files.whole import local_path
from tuner_job.prediction.tuned_model import TunedModel
from tuner_job.records import FittedRows
from tuner_job.wording import counted

_IN_SAMPLE = "so these figures are in-sample: too good, and no measure of the model"


def seen(tuned: TunedModel, fitted_on: FittedRows | None, X: FloatArray, y: IntArray) -> str:
    """Say which of the labelled deaths X (n_rows, n_features), y (n_rows,) the model was fitted
    on."""
    if fitted_on is None:
        return _unknown("the deaths that the model was fitted on")
    digest, n_rows = digest_of_rows(X, y), counted(len(y), "death")
    if digest == fitted_on.digest:
        return f"the model was fitted on these very {n_rows}, {_IN_SAMPLE}"
    if digest == fitted_on.held_out_digest:
        return (
            f"these are the {n_rows} of the hold-out, and the model that is kept was fitted on "
            f"them too, {_IN_SAMPLE}; show and the report have the hold-out's scores by fits that "
            "had not seen it"
        )
    among = _count(tuned, fitted_on, X, y)
    of_all = f"the {fitted_on.n_rows:,} that the model was fitted on"
    if among is None:
        return _unknown(of_all)
    if not among:
        return f"none of them is among {of_all}"
    are = "is" if among == 1 else "are"
    so = _IN_SAMPLE if among == len(y) else "so these figures are in part in-sample: too good"
    return f"{among:,} of the {n_rows} {are} among {of_all}, {so}"


def _unknown(of_all: str) -> str:
    return (
        f"whether some of them are among {of_all} cannot be told here; of those that are, the "
        "figures are in-sample and too good"
    )


def _count(tuned: TunedModel, fitted_on: FittedRows, X: FloatArray, y: IntArray) -> int | None:
    """How many deaths equal one of the training file in every answer and the cause; None where
    that file is not at hand, or no longer what was trained on."""
    path = local_path(tuned.data.source or "")
    if path is None or not path.is_file():
        return None
    try:
        trained = tuned.read(str(path))
    except VaTuningError:
        return None
    if trained.y is None:
        return None
    known = np.flatnonzero(trained.y >= 0)
    X_trained, y_trained = trained.X[known], trained.y[known]
    if digest_of_rows(X_trained, y_trained) != fitted_on.digest:
        return None
    there = set(digests_by_row(X_trained, y_trained))
    return sum(one in there for one in digests_by_row(X, y))
