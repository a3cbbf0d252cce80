"""The steps of one experiment."""
