"""Experiments on a Kubernetes cluster that has the chart installed: submit, watch, cancel,
fetch."""
