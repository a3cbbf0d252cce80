"""What programs get: JSON, events, metrics."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.web.conftest import Open, tell
from tuner_job.web import events, metrics
from tuner_job.web.index import Snapshot
from tuner_job.web.log import Follower
from tuner_job.web.place import ReadOnlyStore, places
from tuner_job.web.site import Site


def test_experiments_are_listed_with_their_progress(results: Path, open_pages: Open) -> None:
    tell(results / "new")
    found = open_pages(results).get("/api/experiments").json()
    assert found["problems"] == []
    new = found["experiments"][0]
    assert (new["id"], new["state"], new["done"], new["planned"]) == ("new", "running", 3, 8)
    assert new["best"] == {"model": "xgboost", "trial": 1, "score": 0.81234}
    assert new["owner"] == "A. Person"


def test_trials_come_some_at_a_time(results: Path, open_pages: Open) -> None:
    client = open_pages(results)
    address = "/api/experiments/finished/trials?model=xgboost"
    whole = client.get(address).json()
    assert [one["trial"] for one in whole["trials"]] == [-1, 0, 1, 2, 3]
    assert whole["trials"][1]["params"]
    part = client.get(f"{address}&offset=2&limit=2").json()
    assert (part["total"], part["trials"]) == (5, whole["trials"][2:4])
    (results / "finished" / "xgboost" / "trials" / "000000.json").write_text("{")
    part = client.get(address).json()
    assert len(part["trials"]) == 4
    assert "is damaged" in part["damaged"][0]


@pytest.mark.parametrize("asked", ["", "?model=none", "?model=xgboost&offset=-1",
                                   "?model=xgboost&limit=x", "?model=xgboost&limit=9999999",
                                   "?model=../../x", "?model=xgboost&limit=²"])  # fmt: skip
def test_a_question_that_makes_no_sense_is_told(
    results: Path, open_pages: Open, asked: str
) -> None:
    answer = open_pages(results).get(f"/api/experiments/finished/trials{asked}")
    assert answer.status_code == 400
    assert "must be" in answer.json()["error"]
    assert open_pages(results).get("/api/experiments/none/trials").status_code == 404


def test_a_score_that_is_no_number_leaves_json_whole(results: Path, open_pages: Open) -> None:
    (results / "new").mkdir()
    text = (tell(results / "new") / "progress.json").read_text()
    (results / "new" / "progress.json").write_text(text.replace("75.0", "NaN"))
    client = open_pages(results)
    for path in ("/api/experiments", "/api/experiments/new"):
        json.loads(client.get(path).text, parse_constant=lambda name: pytest.fail(name))
    assert client.get("/").status_code == 200
    assert client.get("/experiments/new").status_code == 200


def test_metrics_say_what_the_page_says(results: Path, open_pages: Open) -> None:
    tell(results / "new")
    text = open_pages(results).get("/metrics").text
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["va_tuning_experiments", "running"] == 1
    assert found["va_tuning_experiments", "done"] == 1
    assert found["va_tuning_experiments", "failed"] == 0
    assert found["va_tuning_trials", "complete", "new", "xgboost"] == 2
    assert found["va_tuning_trials", "new", "pruned", "xgboost"] == 1
    assert found["va_tuning_best_score", "csmf_accuracy", "new", "xgboost"] == 0.81234
    assert found["va_tuning_fit_seconds", "new"] == 12
    assert found["va_tuning_last_trial_age_seconds", "new"] >= 0
    assert found["va_tuning_storage_up", "results"] == 1


def test_experiments_with_metrics_of_their_own_are_bounded(
    results: Path, open_pages: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "MOST_LABELLED", 5)
    for number in range(12):
        tell(results / f"e{number}", began=f"2026-01-01T00:00:{number:02d}.000Z")
    text = open_pages(results).get("/metrics").text
    assert 'va_tuning_experiments{state="running"} 12.0' in text
    assert text.count("va_tuning_fit_seconds{") == 5


async def told_of(stream: AsyncIterator[str], name: str) -> str:
    """Return the data of the next event of a name."""
    async for text in stream:
        if text.startswith(f"event: {name}\n"):
            return text
    raise AssertionError("the stream has ended")


@pytest.mark.slow
def test_an_open_page_is_told_what_changes(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_EVERY", 0.01)
    folder = tell(results / "new")
    site = Site(places([str(results)]), tmp_path / "drawn")

    def told(snapshot: Snapshot) -> events.Events:
        row = snapshot.rows.get("new")
        return {"said": events.said(row)} if row else {"gone": "gone"}

    async def follow() -> None:
        stream = events._events(site, told)
        assert "3 of 8 trials, best score 0.8123" in await told_of(stream, "said")
        assert site.n_streams == 1
        tell(folder, models={"xgboost": {"planned": 8, "done": 5}})
        assert "5 of 8 trials" in await told_of(stream, "said")
        (folder / "progress.json").unlink()
        await told_of(stream, "gone")
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        assert site.n_streams == 0

    asyncio.run(asyncio.wait_for(follow(), 300))
    site.close()


def test_what_is_sent_cannot_end_an_event() -> None:
    text = events.event("log", "a\n\nevent: gone\r\ndata: x\rb")
    assert text.count("\n\n") == 1
    assert all(line.startswith("data: ") for line in text.strip().split("\n")[1:])


def test_a_log_is_followed_from_piece_to_piece(results: Path) -> None:
    run = results / "finished" / "logs" / "20260101T000000Z-abc"
    run.mkdir(parents=True)
    piece = run / "000001.log"
    piece.write_text("one\n")
    follower = Follower(ReadOnlyStore(str(results)), "finished")
    assert follower.begin() == "one"
    assert follower.more() == ""
    piece.write_text("one\ntwo\n")
    assert follower.more() == "two"
    piece.write_text("one\ntwo\nthree\n")
    (run / "000002.log").write_text("four\n")
    assert follower.more() == "three\nfour"
    later = run.with_name("20260102T000000Z-abc")
    later.mkdir()
    (later / "000001.log").write_text("again\n")
    assert follower.more() == "again"


def test_a_run_that_has_said_nothing_yet_is_followed(results: Path) -> None:
    follower = Follower(ReadOnlyStore(str(results)), "finished")
    assert follower.begin() == follower.more() == ""
    run = results / "finished" / "logs" / "20260101T000000Z-abc"
    run.mkdir(parents=True)
    (run / "000001.log").write_text("one\n")
    assert follower.more() == "one"


def test_so_many_streams_are_open_at_most(
    results: Path, open_pages: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_OPEN", 0)
    client = open_pages(results)
    for path in ("/events", "/experiments/finished/events", "/experiments/finished/log/events"):
        assert client.get(path).status_code == 503


def test_a_process_that_draws_is_ended_with_the_server(results: Path, tmp_path: Path) -> None:
    """At whatever moment of its life: the event loop must not wait for it."""
    for turn in range(6):
        site = Site(places([str(results)]), tmp_path / "drawn")

        async def begin(site: Site = site, turn: int = turn) -> None:
            snapshot = await site.fresh()
            site.drawing(snapshot.rows["finished"])
            await asyncio.sleep(turn * 0.02)
            site.close()

        asyncio.run(asyncio.wait_for(begin(), 300))
        assert not site.children._under_way
