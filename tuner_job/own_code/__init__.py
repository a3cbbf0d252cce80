"""Code that an experiment names: of installed packages, or of own modules beside its file."""
