"""What acts on `TuningExperiment` objects, and cleans up after experiments, inside a cluster."""
