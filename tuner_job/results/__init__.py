"""Trials, models and reports in object storage: the only place that talks to it."""
