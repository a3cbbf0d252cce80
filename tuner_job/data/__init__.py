"""Loading coded verbal autopsies into one `VaDataset`."""

from tuner_job.data.config import DataConfig, SyntheticConfig
from tuner_job.data.dataset import Feature, VaDataset
from tuner_job.data.load import encode_rows, load_dataset

__all__ = ["DataConfig", "Feature", "SyntheticConfig", "VaDataset", "encode_rows", "load_dataset"]
