"""Comparing models across sites, untuned and tuned: `run_distributed_comparison.py` is its
command."""
