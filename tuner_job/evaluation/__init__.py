"""Folds, metrics and intervals: pure functions of `P`, `y` and `site`."""
