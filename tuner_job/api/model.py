"""A tuned model, for arrays and data frames."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.api.rows import FRAME, as_csv
from tuner_job.data.new_rows import NewDeaths, read_new
from tuner_job.errors import DataError
from tuner_job.prediction.tuned_model import TunedModel
from tuner_job.types import Probabilities

if TYPE_CHECKING:
    import pandas as pd


class Model:
    """A tuned model that predicts for raw deaths.

    Deaths are given as a data frame with the columns of the training file, read by its codebook, or
    as an array (n_rows, n_features) that is encoded already. `predict` and `predict_proba` judge
    each death alone; `cause_fractions`, and `predict_proba` with ``adjust=True``, take them
    together.

    Parameters
    ----------
    tuned
        What `tuner_job.load_model` returns.
    """

    def __init__(self, tuned: TunedModel):
        self.tuned = tuned

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.tuned.params.items())
        return f"Model({self.tuned.family}: {settings})"

    @property
    def causes(self) -> tuple[str, ...]:
        """The cause list: the columns of probabilities."""
        return self.tuned.causes

    @property
    def params(self) -> dict[str, Any]:
        """The parameters that were chosen."""
        return dict(self.tuned.params)

    def predict_proba(self, X: Any, adjust: bool = False) -> Probabilities:
        """Calibrated probabilities (n_rows, n_causes).

        Parameters
        ----------
        adjust
            Adjust them to the composition of these deaths, where the CSMF estimator takes it to
            differ from training.

        Raises
        ------
        DataError
            The rows are not coded like the training data.
        """
        P = self.tuned.predict_proba(self.encode(X))
        return self.tuned.calibrate(P) if adjust else self.tuned.calibration.apply(P)

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest cause of each death, (n_rows,)."""
        likeliest: NDArray[Any] = np.array(self.causes)[self.predict_proba(X).argmax(axis=1)]
        return likeliest

    def cause_fractions(self, X: Any, level: float = 0.95) -> "pd.DataFrame":
        """Cause fractions of these deaths with the bounds of their intervals: a row a cause, with
        the columns `fraction`, `lower`, `upper`; see `TunedModel.csmf_interval`."""
        import pandas as pd  # takes half a second

        P = self.tuned.predict_proba(self.encode(X))
        fraction, lower, upper = self.tuned.csmf_interval(P, level)
        index = pd.Index(self.causes, name="cause")
        return pd.DataFrame({"fraction": fraction, "lower": lower, "upper": upper}, index=index)

    def encode(self, X: Any) -> NDArray[np.float32]:
        """Rows as the model takes them, (n_rows, n_features).

        Raises
        ------
        DataError
            As `predict_proba`.
        """
        if hasattr(X, "columns"):
            return self.read(X).X
        rows, n_features = np.asarray(X, dtype=np.float32), len(self.tuned.features)
        if rows.ndim != 2 or rows.shape[1] != n_features:
            raise DataError(
                f"an array of deaths must have {n_features:,} columns, one a feature; got the "
                f"shape {rows.shape}"
            )
        return rows

    def read(self, frame: "pd.DataFrame") -> NewDeaths:
        """Read a data frame of raw deaths by the codebook of the training file, as a file would
        be.

        Raises
        ------
        DataError
            As `predict_proba`.
        """
        if self.tuned.data.format == "synthetic":
            raise DataError(
                "this model was tuned on synthetic data, so there is no coding to read a data "
                "frame by; give an array of its features"
            )
        data = self.tuned.data.model_copy(update={"source": FRAME})
        codebook = self.tuned.codebook
        content = as_csv(frame, [one.name for one in codebook.variables])
        return read_new(data, codebook, self.causes, lambda _: content)
