"""va-tuning: tune cause-of-death models for verbal autopsy data, on a laptop or on Kubernetes."""

__version__: str


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: a command's process has more urgent things to do
    first."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import version

    return version("va-tuning")
