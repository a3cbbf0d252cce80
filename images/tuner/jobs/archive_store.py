"""Copy a store's objects to standard output, as a tar archive, or in from there: ``archive_store.py
save|restore URL``.

In a pod that has the store's keys, as the Ray head: what comes out holds no key, so it fits a store
with other keys.
"""

import io
import sys
import tarfile

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url


def save(store: ObjectStore) -> int:
    """Write every object to standard output; return how many there are."""
    count = 0
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for batch in obstore.list(store):
            for meta in batch:
                entry = tarfile.TarInfo(meta["path"])
                content = bytes(obstore.get(store, meta["path"]).bytes())
                entry.size, entry.mtime = len(content), int(meta["last_modified"].timestamp())
                archive.addfile(entry, io.BytesIO(content))
                count += 1
    return count


def restore(store: ObjectStore) -> int:
    """Write every object of the archive at standard input; return how many there are."""
    count = 0
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            if content is not None:
                obstore.put(store, entry.name, content.read())
                count += 1
    return count


def main(what: str, url: str) -> None:
    """Say in one sentence what was copied, on standard error."""
    store = from_url(url)
    try:
        count = {"save": save, "restore": restore}[what](store)
    except (BaseError, tarfile.TarError) as error:
        sys.exit(f"{url}: the archive is not complete: {str(error).splitlines()[0]}")
    print(f"{url}: {count} objects {'saved' if what == 'save' else 'restored'}", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
