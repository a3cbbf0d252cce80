"""What stands right in a folder of the store, and how to tell that it has changed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Object:
    """An object as a listing tells of it.

    Attributes
    ----------
    size
        In bytes.
    version
        Another one whenever the object was written anew.
    modified
        When it was written, in seconds since 1970.
    """

    size: int
    version: str
    modified: float


@dataclass(frozen=True)
class Look:
    """One folder: the names of the folders in it, and of the objects with what is told of them."""

    folders: list[str]
    objects: dict[str, Object]
