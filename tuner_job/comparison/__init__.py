"""Comparing models across sites, untuned and tuned: what `va-tuning compare` runs."""
