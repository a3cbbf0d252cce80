"""Measurements, side by side with peers in one run; machines are noisy, so read the ratios."""
