"""Trials and the fixed-lag study: which configuration is evaluated next, and which one stops."""
