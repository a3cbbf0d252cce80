"""Searches whose trials Ray Tune runs: it stops them, or changes them, while they train."""
