"""Loading coded verbal autopsies into one `VaDataset`."""
