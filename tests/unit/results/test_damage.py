"""Every object of an experiment, damaged in every way: it is named, and nothing else is given up
for it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from tests.unit.results.conftest import STORED
from tuner_job.cli.main import main
from tuner_job.errors import StoreError
from tuner_job.records import Provenance
from tuner_job.results.check import find_damage, mend
from tuner_job.results.claim import claim
from tuner_job.results.commits import Commit, Commits
from tuner_job.results.damage import Damage, DamagedError
from tuner_job.results.experiment_store import ExperimentStore

pytestmark = pytest.mark.slow

PROVENANCE = Provenance.model_validate_json(
    (STORED / "0.1.0" / "finished" / "provenance.json").read_bytes()
)
DAMAGES = {
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "cut": lambda content: content[: len(content) // 2],
    "cut by one": lambda content: content[:-2],
    "foreign": lambda content: b'{"some": "thing"}',
    "null": lambda content: b"null",
    "text": lambda content: b"<html>not found</html>\n",
    "a folder": None,
}
OBJECTS = [
    "experiment.yaml",
    "provenance.json",
    "summary.json",
    "xgboost/trials/default.json",
    "xgboost/trials/000002.json",
    "xgboost/oof/000001.npz",
    "xgboost/best.json",
    "xgboost/model.bin",
]


def damage(store: ExperimentStore, name: str, how: str) -> Path:
    path = Path(store.url) / name
    change = DAMAGES[how]
    if change is None:
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(change(path.read_bytes()))
    return path


def va_tuning(*arguments: str) -> tuple[int, str, str]:
    outcome = CliRunner().invoke(main, list(arguments))
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    return outcome.exit_code, outcome.stdout, outcome.stderr


def test_what_is_whole_is_whole(finished: ExperimentStore) -> None:
    assert find_damage(finished) == []
    assert va_tuning("check", finished.url) == (0, f"{finished.url}: whole\n", "")


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", OBJECTS)
def test_each_is_named_and_mended(finished: ExperimentStore, name: str, how: str) -> None:
    if (name, how) == ("experiment.yaml", "cut by one"):
        pytest.skip("only the address of the results, in the last line, is shorter")
    path = damage(finished, name, how)
    before = sorted(Path(finished.url).rglob("*"))
    (found,) = find_damage(finished)
    assert (found.address, found.reason.startswith(("it is ", "cannot be read"))) == (
        str(path),
        True,
    )
    assert "`va-tuning tune`" in found.sentence
    code, out, err = va_tuning("check", finished.url)
    assert (code, str(path) in out, "1 object damaged" in err) == (2, True, True)
    assert sorted(Path(finished.url).rglob("*")) == before, "checking changes nothing"

    left = mend(finished, [found])
    if name in ("experiment.yaml", "provenance.json"):
        assert left == [found], "they say whose results these are"
    elif name.endswith("model.bin"):
        assert [one.reason for one in left] == ["it is not there"], "only a run can fit it again"
    else:
        assert left == []
    if left != [found] and how != "a folder":
        assert (Path(finished.url) / ".damaged" / name).is_file(), "nothing is lost"


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_trial_stops_no_other_and_is_told(finished: ExperimentStore, how: str) -> None:
    path = damage(finished, "xgboost/trials/000002.json", how)
    code, out, err = va_tuning("show", finished.url, "--trials")
    assert (code, f"note: {path}: is damaged: " in err) == (0, True)
    rows = [row.split(",")[:2] for row in out.splitlines() if row.startswith("xgboost")]
    assert [number for _, number in rows] == ["-1", "0", "1", "3"] or len(rows) == 4
    assert va_tuning("report", finished.url)[0] == 0


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_trial_is_replaced_by_the_one_that_was_run_again(
    finished: ExperimentStore, how: str
) -> None:
    record = finished.load_trials("xgboost")[3]
    damage(finished, "xgboost/trials/000002.json", how)
    assert record.trial == 2
    assert record not in finished.load_trials("xgboost")
    finished.save_trial("xgboost", record)
    assert finished.load_trials("xgboost")[3] == record


def test_a_trial_of_another_number_or_search_is_no_trial(finished: ExperimentStore) -> None:
    trials = Path(finished.url) / "xgboost" / "trials"
    shutil.copy(trials / "000001.json", trials / "000002.json")
    content = json.loads((trials / "000003.json").read_text())
    del content["scores"]["csmf_accuracy"]
    for fold in content["folds"]:
        del fold["validation"]["csmf_accuracy"]
    (trials / "000003.json").write_text(json.dumps(content))
    records, damaged = finished.read_trials("xgboost", ["csmf_accuracy"])
    assert [record.trial for record in records] == [-1, 0, 1]
    assert [one.reason for one in damaged] == [
        "it is trial 1's",
        "it is of another experiment: it has no csmf_accuracy",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "000003 (conflicted copy).json",
        "000003.json.bak",
        ".DS_Store",
        "desktop.ini",
        "3.json",
        "000003~.json",
    ],
)
def test_other_files_among_the_trials_do_not_matter(finished: ExperimentStore, name: str) -> None:
    before = finished.load_trials("xgboost")
    for content in (b"", b"{}", (Path(finished.url) / "xgboost/trials/000003.json").read_bytes()):
        (Path(finished.url) / "xgboost" / "trials" / name).write_bytes(content)
        assert finished.load_trials("xgboost") == before
        assert find_damage(finished) == []
    assert finished.models() == ["logistic_regression", "random_forest", "xgboost"]


def test_probabilities_must_be_those_of_these_deaths(finished: ExperimentStore) -> None:
    assert all(finished.whole_oof("xgboost", (120, 4)).values())
    finished.save_oof("xgboost", 1, np.full((120, 3), 0.5))
    finished.save_oof("xgboost", 2, np.full((120, 4), np.nan))
    whole = finished.whole_oof("xgboost", (120, 4))
    assert [trial for trial, is_whole in whole.items() if not is_whole] == [1, 2]
    with pytest.raises(
        DamagedError, match=r"oof/000002\.npz: is damaged: it holds numbers that are not finite"
    ):
        finished.load_oof("xgboost", 2)


@pytest.mark.parametrize(
    "name", ["models/../../../x", "/etc/passwd", "../xgboost/model.bin", "", "models/x.bin"]
)
def test_a_commit_that_names_no_model_is_damage_like_any_other(
    finished: ExperimentStore, name: str
) -> None:
    path = Path(finished.url) / "xgboost" / "best.json"
    content = json.loads(path.read_text())
    content["summary"]["model_object"] = name or "model"
    path.write_text(json.dumps(content))
    (found,) = find_damage(finished)
    assert "which is no model" in found.sentence


class TestCommits:
    def test_readers_take_the_highest_whole_one(self, finished: ExperimentStore) -> None:
        commits = Commits(finished.store, "stored", "xgboost")
        first = commits.newest()
        assert first is not None, "what version 0.1.0 wrote has only best.json"
        assert commits.add(Commit(params={"n": 1}), over=first)
        assert commits.add(Commit(params={"n": 2}), over=Commit(params={"n": 1}))
        assert commits.newest() == Commit(params={"n": 2})
        for cut in (b"", b'{"params": {"n"'):
            finished.store.put("stored/xgboost/commits/0002.json", cut)
            assert commits.newest() == Commit(params={"n": 1})
            assert commits.number_of(Commit(params={"n": 1})) == 1
            assert [type(one) for one in commits.damage()] == [Damage]

    def test_of_two_that_commit_at_once_one_does(self, finished: ExperimentStore) -> None:
        a, b = (Commits(finished.store, "new", "xgboost") for _ in range(2))
        assert (a.add(Commit(params={"n": 1})), b.add(Commit(params={"n": 2}))) == (True, False)
        assert b.newest() == Commit(params={"n": 1})
        assert finished.store.paths("new") == [
            "new/xgboost/best.json",
            "new/xgboost/commits/0001.json",
        ]

    def test_a_damaged_commit_is_committed_over(self, finished: ExperimentStore) -> None:
        commits = Commits(finished.store, "new", "xgboost")
        finished.store.put("new/xgboost/commits/0001.json", b"")
        assert commits.newest() is None
        assert commits.add(Commit(params={"n": 1}))
        assert finished.store.paths("new/xgboost/commits")[-1].endswith("0002.json")

    def test_the_copy_for_older_readers_is_made_again(self, finished: ExperimentStore) -> None:
        commits = Commits(finished.store, "new", "xgboost")
        commits.add(Commit(params={"n": 1}))
        for content in (b"", b"{}", b'{"params": {"n": 0}, "summary": null}'):
            finished.store.put("new/xgboost/best.json", content)
            commits.copy()
            assert json.loads(finished.store.get("new/xgboost/best.json") or b"") == {
                **dict.fromkeys(Commit.model_fields),
                "params": {"n": 1},
            }


class TestClaim:
    def claim(
        self, store: ExperimentStore, digest: str | None = None, data: str | None = None
    ) -> None:
        update = {"data_digest": data, "experiment_digest": digest}
        provenance = PROVENANCE.model_copy(update={k: v for k, v in update.items() if v})
        document = yaml.safe_load((STORED / "0.1.0/finished/experiment.yaml").read_text())
        claim(store, document, provenance)()

    @pytest.mark.parametrize("how", [how for how in DAMAGES if how != "cut by one"])
    def test_a_damaged_experiment_file_is_written_anew_where_it_is_known_to_be_the_same(
        self, finished: ExperimentStore, how: str
    ) -> None:
        damage(finished, "experiment.yaml", how)
        with pytest.raises(
            StoreError,
            match=r"experiment\.yaml: is damaged: .* move them away, or choose another `name`",
        ):
            self.claim(finished, digest="another")
        self.claim(finished)
        assert find_damage(finished) == []

    @pytest.mark.parametrize("how", DAMAGES)
    def test_a_damaged_provenance_is_written_anew_and_told(
        self, finished: ExperimentStore, how: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        damage(finished, "provenance.json", how)
        self.claim(finished)
        assert "provenance.json: is damaged: " in caplog.text
        assert finished.provenance() == PROVENANCE

    def test_both_damaged_is_refused(self, finished: ExperimentStore) -> None:
        damage(finished, "experiment.yaml", "empty")
        damage(finished, "provenance.json", "empty")
        with pytest.raises(StoreError, match="nothing says whose results stand beside it"):
            self.claim(finished)


@pytest.mark.parametrize(
    "name", ["xgboost", "xgboost/trials", "xgboost/oof", "xgboost/commits", "xgboost/models"]
)
def test_a_file_where_a_folder_must_be_is_named_and_set_aside(
    finished: ExperimentStore, name: str
) -> None:
    path = Path(finished.url) / name
    if path.is_dir():
        shutil.rmtree(path)
    path.write_text("a file")
    found = [one for one in find_damage(finished) if one.address == str(path)]
    assert [one.reason for one in found] == ["it is a file, not a folder"]
    if name in ("xgboost", "xgboost/trials"):
        code, _, err = va_tuning("show", finished.url, "--trials")
        assert (code, f"note: {path}: is damaged: it is a file" in err) == (0, True)
    assert not [one for one in mend(finished, found) if one.address == str(path)]
    assert (Path(finished.url) / ".damaged" / name).read_text() == "a file"
