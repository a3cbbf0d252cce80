"""Running fits on Ray: the only place that imports it."""
