"""Write, list, read and remove an object in the results store: ``check_store.py URL``.

Also removes what an earlier ``helm test`` left, so that the tuning test after it starts from
nothing.
"""

import os
import sys

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

TEST = "helm-test"


def round_trip(url: str) -> None:
    """Leave one object, ``helm-test/started``: its time is when this test began."""
    store = from_url(url)
    old = [meta["path"] for batch in obstore.list(store, TEST) for meta in batch]
    if old:
        obstore.delete(store, old)
    path, content = f"{TEST}/started", os.urandom(16)
    obstore.put(store, path, content, mode="create")
    if bytes(obstore.get(store, path).bytes()) != content:
        sys.exit(f"{url}/{path} does not read as it was written")
    try:
        obstore.put(store, path, b"", mode="create")
    except AlreadyExistsError:
        pass
    else:
        sys.exit(f"{url} let an object be created twice: results must be committed at most once")
    found = [meta["path"] for batch in obstore.list(store, TEST) for meta in batch]
    if found != [path]:
        sys.exit(f"{url} lists {found} instead of {[path]}")


def main(url: str) -> None:
    """Say in one sentence whether the store works."""
    try:
        round_trip(url)
    except BaseError as error:
        sys.exit(f"the store at {url} does not work: {str(error).splitlines()[0]}")
    print(f"{url}: written, listed, read; a second creation was refused; earlier tests are cleared")


if __name__ == "__main__":
    main(*sys.argv[1:])
