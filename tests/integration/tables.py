"""Tables of deaths that are made up."""

import pandas as pd

from tuner_job.data import DataConfig, load_dataset
from tuner_job.results.store import read_bytes


def synthetic_table(label: str, **size: int) -> pd.DataFrame:
    """Make deaths with a column of symptoms each, `site`, and their causes by the name `label`."""
    data = load_dataset(
        DataConfig.model_validate({"format": "synthetic", "synthetic": size}), read_bytes
    )
    frame = pd.DataFrame(data.X, columns=[feature.name for feature in data.features])
    frame["site"] = [data.sites[i] for i in data.site]
    frame[label] = [data.causes[i] for i in data.y]
    return frame
