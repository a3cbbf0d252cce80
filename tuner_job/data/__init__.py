"""Loading coded verbal autopsies into one `VaDataset`."""

from tuner_job.data.codebook import Codebook, Feature
from tuner_job.data.config import ColumnConfig, DataConfig, SyntheticConfig
from tuner_job.data.dataset import VaDataset
from tuner_job.data.load import load_dataset
from tuner_job.data.new_rows import NewDeaths, read_new

__all__ = [
    "Codebook",
    "ColumnConfig",
    "DataConfig",
    "Feature",
    "NewDeaths",
    "SyntheticConfig",
    "VaDataset",
    "load_dataset",
    "read_new",
]
