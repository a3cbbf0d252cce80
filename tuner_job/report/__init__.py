"""HTML pages that say what was found: of an experiment, and of new deaths."""
