"""Running fits, in processes of this machine or on Ray: the only place that imports Ray."""
