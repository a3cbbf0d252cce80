"""The base of every model that reads user input: closed, frozen, strict about what it takes."""

from pydantic import BaseModel, ConfigDict

EXPERIMENT_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"
"""Names of RayJobs, ConfigMaps and folders of results are made of it."""
LONGEST_NAME = 40


class Closed(BaseModel):
    """A pydantic model that refuses unknown keys and cannot be changed after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
