"""Commands that read make no folder and no file, whatever the address is."""

from pathlib import Path

import pytest

from tests.unit.stored import DEATHS, run, snapshot

ADDRESSES = [
    "nowhere",
    "nowhere/at/all",
    "va-reslts/",
    "empty",
    "taken",
    "file://TMP/no/where",
    "no[1]/x",
    ".",
]
COMMANDS = [
    ["show", "ADDRESS"],
    ["show", "ADDRESS", "--trials"],
    ["show", "ADDRESS", "--json"],
    ["report", "ADDRESS"],
    ["report", "ADDRESS", "--output", "page.html"],
    ["predict", "ADDRESS", str(DEATHS), "--model", "xgboost"],
    ["compare", "--data-path", "sites.csv", "--tuned-params", "ADDRESS", "--output-dir", "out"],
    ["compare", "--data-path", "nowhere.csv", "--output-dir", "ADDRESS"],
    ["compare", "--data-path", "sites.csv", "--sites", "Z", "--output-dir", "ADDRESS"],
    ["fetch", "--help"],
    ["validate", "ADDRESS"],
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_reading_creates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "taken").write_text("a file")
    rows = "".join(f"{'AB'[i % 2]},{'xyz'[i % 3]},{i % 2}\n" for i in range(60))
    (tmp_path / "sites.csv").write_text(f"site,va34,fever\n{rows}")
    before = snapshot(tmp_path)
    outcome = run(
        *(part.replace("ADDRESS", address).replace("TMP", str(tmp_path)) for part in command)
    )
    assert outcome.exit_code == (0 if "--help" in command else 2)
    assert "--help" in command or outcome.stderr.count("va-tuning: ") == 1
    assert snapshot(tmp_path) == before
