"""The read-only page over results: ``va-tuning serve``."""
