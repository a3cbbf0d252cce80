"""Listing very many objects in parts, on obstore's own store in memory."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore

from tuner_job.address import parse_results
from tuner_job.results import bucket
from tuner_job.results.bucket import Bucket

List = Callable[..., Iterator[list[dict[str, Any]]]]
CUTS = [f"x/trials/{number:06d}" for number in range(9, 1000, 9)]
ODD = ["+1.json", "000012 (1).json", "1000000.json", "default.json", "pack-0.json.gz", "é", "日"]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setattr(bucket, "_PAGE", 10)
    monkeypatch.setattr(bucket, "_IN_TURN", 50)
    monkeypatch.setattr(bucket, "_cloud", lambda *_: MemoryStore())
    return Bucket.open(parse_results("s3://any"), timedelta(seconds=1))


def fill(place: Bucket, names: list[str]) -> dict[str, str]:
    """Write objects beside others; return what a listing of one page after the other says."""
    for path in ("w/1.json", "x/oof/000001.npz", "y/1.json", *(f"x/trials/{n}" for n in names)):
        place.put(path, path.encode())
    return place.versions("x/trials")


@pytest.mark.parametrize(
    "numbers",
    [
        range(0),
        range(49),
        range(50),
        range(51),
        range(500),
        [*range(60), *range(700, 720)],
        range(100, 1300),
        range(0, 999, 7),
    ],
    ids=["none", "few", "just so many", "one more", "many", "a gap", "past the cuts", "gaps"],
)
def test_parts_are_all_that_there_is(place: Bucket, numbers: range | list[int]) -> None:
    there = fill(place, [*(f"{number:06d}.json" for number in numbers), *ODD])
    assert len(there) == len(numbers) + len(ODD)
    found = place.versions("x/trials", CUTS)
    assert found == there
    assert list(found) == list(there)


def test_parts_are_asked_for_beside_each_other(
    place: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = fill(place, [f"{number:06d}.json" for number in range(500)])
    pages, listed = 0, obstore.list

    def counted(*args: Any, **kwargs: Any) -> Iterator[list[dict[str, Any]]]:
        nonlocal pages
        for page in listed(*args, **kwargs):
            pages += 1
            yield page

    monkeypatch.setattr(obstore, "list", counted)
    assert place.versions("x/trials", CUTS) == there
    in_turn, probe, parts, end = 5, 2, 64, 1
    assert pages <= in_turn + probe + parts + end, "no page is asked for twice"


def ignoring(listed: List) -> List:
    return lambda store, prefix, *, offset=None, chunk_size: listed(
        store, prefix, chunk_size=chunk_size
    )


def empty_from_a_path_on(listed: List) -> List:
    return lambda store, prefix, *, offset=None, chunk_size: (
        listed(store, prefix, chunk_size=chunk_size) if offset is None else iter([])
    )


def without_order(listed: List) -> List:
    def answer(store: Any, prefix: str, *, offset: Any = None, chunk_size: int) -> Any:
        found = [one for page in listed(store, prefix, offset=offset) for one in page]
        found.sort(key=lambda one: one["path"][::-1])
        return (found[at : at + chunk_size] for at in range(0, len(found), chunk_size))

    return answer


@pytest.mark.parametrize("service", [ignoring, empty_from_a_path_on, without_order])
def test_a_service_that_cannot_start_anywhere_loses_nothing(
    place: Bucket, monkeypatch: pytest.MonkeyPatch, service: Callable[[List], List]
) -> None:
    there = fill(place, [f"{number:06d}.json" for number in range(300)])
    monkeypatch.setattr(obstore, "list", service(obstore.list))
    assert place.versions("x/trials", CUTS) == there
