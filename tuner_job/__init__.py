"""va-tuning: tune cause-of-death models for verbal autopsy data, on a laptop or on Kubernetes."""

from importlib.metadata import version

__version__ = version("va-tuning")
