"""What the pages show, of whole results and of others, and that nothing is written."""

import json
import re
from pathlib import Path

import pytest

from tests.unit.stored import DEATHS
from tests.unit.web.conftest import Open, tell
from tuner_job.web.job import Job


def everything(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Names, times and bytes of all that is below a folder."""
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else None,
        )
        for path in [folder, *folder.rglob("*")]
    }


def test_experiments_stand_newest_first_with_what_matters(results: Path, open_pages: Open) -> None:
    tell(results / "new")
    page = open_pages(results).get("/").text
    names = re.findall(r'<a href="/experiments/(\w+)"', page)
    assert names[0] == "new"
    assert sorted(names) == ["finished", "halted", "new"]
    for shown in ("running", "3 of 8", "0.8123", "xgboost", "1 min 15 s", "A. Person", "search",
                  "done", "stopped"):  # fmt: skip
        assert shown in page
    assert 'max="1" value="0.3750"' in page


def test_an_experiment_is_shown_at_once_and_filled_when_it_is_drawn(
    results: Path, open_pages: Open, drawn: list[Job]
) -> None:
    tell(results / "new")
    client = open_pages(results)
    first = client.get("/experiments/new").text
    for shown in ("<h1>new</h1>", "3 of 8", "0.8123", "Figures and tables come in a moment"):
        assert shown in first
    content = client.get("/experiments/new/content")
    assert "figures of new" in content.text
    assert "figures of new" in client.get("/experiments/new").text
    assert len(drawn) == 1  # the second time it is there already


def test_what_has_changed_is_drawn_anew_but_not_at_every_look(
    results: Path, open_pages: Open, drawn: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(results / "new")
    client = open_pages(results)
    client.get("/experiments/new")
    client.get("/experiments/new")
    site = client.app.state.site  # type: ignore[attr-defined]
    drawing = site.drawing(site.index.snapshot.rows["new"]) if drawn else None
    tell(results / "new", seconds_left=1.0)
    site.index.refresh()
    client.get("/experiments/new")
    assert len(drawn) == 1  # it rests
    assert drawing is not None
    drawing.rests_until = 0.0
    client.get("/experiments/new")
    assert len(drawn) == 2


def test_two_experiments_stand_side_by_side(
    results: Path, open_pages: Open, drawn: list[Job]
) -> None:
    client = open_pages(results)
    assert "Choose two experiments or more" in client.get("/side-by-side?e=finished").text
    address = "/side-by-side?e=finished&e=halted&e=nowhere&e=finished"
    client.get(address)
    assert "figures of finished, halted" in client.get(address).text
    assert [target.path for target in drawn[0].targets] == ["finished", "halted"]


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_an_end_that_is_none_says_why(results: Path, open_pages: Open, state: str) -> None:
    tell(results / "new", state=state, reason="the disk <b>is</b> full")
    page = open_pages(results).get("/experiments/new").text
    assert state in page
    assert "the disk &lt;b&gt;is&lt;/b&gt; full" in page


def test_names_are_escaped_wherever_they_stand(results: Path, open_pages: Open) -> None:
    name = "<img src=x onerror=alert(1)>\"'&amp; ?#é"
    tell(results / name, owner="<script>1</script>", best=None, models={"<b>m</b>": {}})
    client = open_pages(results)
    page = client.get("/").text
    address = re.search(r'href="(/experiments/%3Cimg[^"]*)"', page)
    assert address
    one = client.get(address[1])
    assert one.status_code == 200
    for text in (page, one.text, client.get(f"{address[1]}/log").text):
        assert "<img" not in text
        assert "<script>1" not in text
        assert "<b>m" not in text
    assert client.get("/api/experiments").json()["experiments"][0]["id"] == name
    assert "&lt;img src=x" in one.text


def test_a_name_that_is_no_text_ends_nothing(results: Path, open_pages: Open) -> None:
    tell(results / "odd\udcff\nname")
    client = open_pages(results)
    for path in ("/", "/metrics", "/api/experiments", "/experiments/finished"):
        assert client.get(path).status_code == 200, path


DAMAGE = {
    "progress.json": b'{"state": "run',
    "summary.json": b"\0" * 100,
    "experiment.yaml": b"# digest: 1\nname: [",
}


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("which", ["finished", "halted"])
def test_damage_is_told_in_its_row_and_the_others_stay(
    results: Path, open_pages: Open, name: str, which: str
) -> None:
    tell(results / "new")
    (results / which / name).write_bytes(DAMAGE[name])
    client = open_pages(results)
    page = client.get("/").text
    assert "3 of 8" in page
    row = client.get(f"/api/experiments/{which}").json()
    if name == "experiment.yaml" and which == "finished":
        assert row["state"] == "done"  # the summary tells
    else:
        assert "damaged" in row.get("problem", row.get("error", ""))
    assert client.get(f"/experiments/{which}").status_code == 200


def test_a_folder_where_a_document_should_be_is_told(results: Path, open_pages: Open) -> None:
    (results / "odd" / "experiment.yaml").mkdir(parents=True)
    (results / "odd" / "provenance.json").write_text("{}")
    rows = open_pages(results).get("/api/experiments").json()["experiments"]
    assert next(row for row in rows if row["id"] == "odd")["problem"]


def test_there_may_be_nothing_yet(tmp_path: Path, open_pages: Open) -> None:
    client = open_pages(tmp_path / "nowhere")
    assert "No experiment is here yet" in client.get("/").text
    assert client.get("/metrics").status_code == 200
    assert client.get("/experiments/x").status_code == 404


def test_one_experiment_can_be_the_address(results: Path, open_pages: Open) -> None:
    page = open_pages(results / "finished").get("/").text
    assert "/experiments/finished" in page
    assert "halted" not in page


def test_two_places_are_told_apart(results: Path, tmp_path: Path, open_pages: Open) -> None:
    tell(tmp_path / "other" / "results" / "finished")
    client = open_pages(results, tmp_path / "other" / "results", results)
    page = client.get("/").text
    assert "/experiments/results%3Afinished" in page
    assert "/experiments/results-2%3Afinished" in page
    assert "3 of 8" in client.get("/experiments/results-2%3Afinished").text


def test_comparisons_and_pages_of_predictions_are_found(results: Path, open_pages: Open) -> None:
    compared = results / "sites"
    (compared / "results").mkdir(parents=True)
    (compared / "comparison.json").write_text("{}")
    (compared / "results" / "a.json").write_text("{}")
    (compared / "report.html").write_text("<h1>of all sites</h1><script>1</script>")
    (compared / "full_results.csv").write_text("model\n")
    tell(compared / "tuning" / "of-a-site")
    (results / "deaths.html").write_text("<h1>new deaths</h1>")
    (results / "deaths.csv").write_bytes(DEATHS.read_bytes())
    client = open_pages(results)
    page = client.get("/").text
    assert "of-a-site" not in page
    assert "deaths.csv" not in page
    one = client.get("/comparisons/sites").text
    assert "/experiments/sites%3Atuning%3Aof-a-site" in one
    assert client.get("/experiments/sites%3Atuning%3Aof-a-site").status_code == 200
    assert client.get("/comparisons/sites/files/full_results.csv").text == "model\n"
    (compared / "predictions.csv").write_text("id,cause\n7,Malaria\n")
    assert "Malaria" not in client.get("/comparisons/sites/files/predictions.csv").text
    for address, shown in (("/comparisons/sites/report", "of all sites"),
                           ("/pages/deaths.html", "new deaths")):  # fmt: skip
        answer = client.get(address)
        assert shown in answer.text
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_a_look_at_everything_changes_nothing(results: Path, open_pages: Open) -> None:
    tell(results / "new")
    before = everything(results)
    client = open_pages(results)
    for path in ("/", "/experiments/finished", "/experiments/new/content", "/metrics",
                 "/experiments/new/log", "/api/experiments/finished",
                 "/api/experiments/finished/trials?model=xgboost",
                 "/experiments/finished/files/summary.json"):  # fmt: skip
        assert client.get(path).status_code in (200, 503), path
    assert everything(results) == before


def test_an_unknown_address_is_said_to_be_one(results: Path, open_pages: Open) -> None:
    client = open_pages(results)
    for path in ("/nowhere", "/experiments/none", "/experiments/none/content", "/comparisons/none",
                 "/comparisons/finished/report", "/pages/none", "/static/none", "/static/../app.py",
                 "/experiments/finished/files/none", "/other/finished/log"):  # fmt: skip
        assert client.get(path).status_code == 404, path


def test_logs_are_shown(results: Path, open_pages: Open) -> None:
    run = results / "finished" / "logs" / "20260101T000000Z-abc"
    run.mkdir(parents=True)
    (run / "000001.log").write_text("2026-01-01T00:00:00Z <b>it</b> began\n")
    client = open_pages(results)
    assert "&lt;b&gt;it&lt;/b&gt; began" in client.get("/experiments/finished/log").text
    assert "Nothing has been said yet" in client.get("/experiments/halted/log").text


def test_a_summary_is_there_for_programs(results: Path, open_pages: Open) -> None:
    found = open_pages(results).get("/api/experiments/finished").json()
    assert found["summary"] == json.loads((results / "finished" / "summary.json").read_text())
    assert found["state"] == "done"
