"""Code that an experiment names: found, carried as text, made again, refused in one sentence."""

import hashlib
import pickle
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from tuner_job.config.load import check_experiment
from tuner_job.errors import ConfigError
from tuner_job.own_code.importing import load, provide
from tuner_job.own_code.reference import Reference, parse
from tuner_job.own_code.sources import MOST_BYTES, collect, digests


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Own modules of one test are none of the next one's."""
    for name in ("va_own", "va_helper"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.parametrize(
    ("text", "module", "name"),
    [
        ("sklearn.ensemble.RandomForestClassifier", "sklearn.ensemble", "RandomForestClassifier"),
        ("lightgbm:LGBMClassifier", "lightgbm", "LGBMClassifier"),
        ("va_own:Tree", "va_own", "Tree"),
        ("a.b:c", "a.b", "c"),
    ],
)
def test_references_are_a_module_and_a_name(text: str, module: str, name: str) -> None:
    assert parse(text) == Reference(module, name)


@pytest.mark.parametrize(
    "text",
    ["", "Tree", ".va_own:Tree", "..va_own:Tree", "../va_own:Tree", "va_own.py:Tree()", "a:b:c",
     "a:", ":b", "a b:c", "a.:c", "__main__:Tree", "os:__import__", "class:Tree", "x" * 300 + ":y",
     "/etc/va_own:Tree", "va_own:Tree.grow"],
)  # fmt: skip
def test_anything_else_is_refused_in_bounds(text: str) -> None:
    with pytest.raises(ConfigError, match="must name code as") as caught:
        parse(text)
    assert len(str(caught.value)) < 300


def test_a_module_and_what_it_imports_beside_it_are_read_and_nothing_runs(tmp_path: Path) -> None:
    (tmp_path / "va_own.py").write_text("import json, va_helper\nraise SystemExit\n")
    (tmp_path / "va_helper.py").write_bytes(b"\xef\xbb\xbfimport va_own\r\nx = 1\r\n")
    (tmp_path / "unused.py").write_text("y = 1\n")
    found = collect(["va_own", "sklearn.ensemble", "nowhere"], tmp_path)
    assert found == {
        "va_helper": "import va_own\nx = 1\n",
        "va_own": "import json, va_helper\nraise SystemExit\n",
    }
    assert digests(found)["va_helper"] == hashlib.sha256(b"import va_own\nx = 1\n").hexdigest()


def test_it_is_made_from_its_text_alone() -> None:
    sources = {
        "va_own": "from va_helper import two\n\nclass Tree:\n    leaves = two()\n",
        "va_helper": "def two():\n    return 2\n\ndef fail():\n    raise ValueError('so')\n",
    }
    tree = load("va_own:Tree", sources)
    assert tree.leaves == 2
    assert load("va_own:Tree", sources) is tree
    assert pickle.loads(pickle.dumps(tree)) is tree
    with pytest.raises(ValueError, match="so") as caught:
        load("va_helper:fail", sources)()
    assert "raise ValueError('so')" in "".join(traceback.format_exception(caught.value))


def test_another_text_is_another_module() -> None:
    first = {"va_own": "from va_helper import x\n", "va_helper": "x = 1\n"}
    assert load("va_own:x", first) == 1
    assert load("va_own:x", {**first, "va_helper": "x = 2\n"}) == 2
    provide(first)
    assert load("va_own:x", first) == 1


def test_another_process_makes_it_without_the_file(tmp_path: Path) -> None:
    (tmp_path / "va_own.py").write_text("def answer():\n    return 42\n")
    sources = collect(["va_own"], tmp_path)
    (tmp_path / "va_own.py").unlink()
    code = (
        "from tuner_job.own_code.importing import load\n"
        f"print(load('va_own:answer', {sources!r})())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "42\n"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("sklearn.ensemble.RandomForestClasifier", "did you mean RandomForestClassifier?"),
        ("sklearn.ensembles.Forest", "there is no module sklearn.ensembles installed here"),
        ("nowhere:x", "no module nowhere installed here, and no file nowhere.py stands beside"),
        ("nowhere.far:x", r"no module nowhere.far \(nor nowhere\)"),
    ],
)
def test_what_is_not_there_is_told(reference: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load(reference, {})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\nraise ValueError('no\\n' * 5000)\n", "ValueError in line 2: no no no"),
        ("import sys\nsys.exit(3)\n", "SystemExit in line 2: 3"),
        ("import not_there_at_all\n", "ModuleNotFoundError in line 1: No module named"),
        ("def f():\n    1 / 0\nf()\n", "ZeroDivisionError in line 2: division by zero"),
    ],
)
def test_a_module_that_fails_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=f"^va_own.py cannot be imported: {told}") as caught:
        load("va_own:x", {"va_own": text})
    assert len(str(caught.value)) < 500
    assert "va_own" not in sys.modules


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("json", b"x = 1\n", "hides the standard module json; give it another name"),
        ("sklearn", b"x = 1\n", "hides the installed module sklearn"),
        ("tuner_job", b"x = 1\n", "hides the installed module tuner_job"),
        ("va_own", b"x = 1\ndef f(:\n", "is not valid Python: line 2: "),
        ("va_own", b"x = '\x00'\n", "is not valid Python: "),
        ("va_own", b"(" * 5000, "is not valid Python: "),
        ("va_own", b"x = 1\ny = '\xff'\n", "line 2: must be UTF-8 text"),
        ("va_own", b"#" * (MOST_BYTES + 1), "at most 262,144 bytes together, found 262,145"),
        ("va_own", b"from . import va_helper\n", "line 1: an own module must not import relat"),
        ("va_own", b"import json\nimport va_helper\n", r"va_helper.py: is not valid Python"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_name(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / f"{name}.py").write_bytes(content)
    (tmp_path / "va_helper.py").write_text("is no python\n")
    with pytest.raises(ConfigError, match=told) as caught:
        collect([name], tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_files_that_are_none_and_links_that_lead_out_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    (folder / "va_own.py").mkdir(parents=True)
    (tmp_path / "va_helper.py").write_text("x = 1\n")
    (folder / "va_helper.py").symlink_to(tmp_path / "va_helper.py")
    (folder / "va_nothing.py").symlink_to(folder / "absent.py")
    with pytest.raises(ConfigError, match="it is no plain file"):
        collect(["va_own"], folder)
    with pytest.raises(ConfigError, match="a link leads out of its folder"):
        collect(["va_helper"], folder)
    with pytest.raises(ConfigError, match="No such file"):
        collect(["va_nothing"], folder)


def test_links_within_the_folder_are_followed_as_a_config_map_has_them(tmp_path: Path) -> None:
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "va_own.py").write_text("x = 1\n")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "va_own.py").symlink_to("..data/va_own.py")
    assert collect(["va_own"], tmp_path) == {"va_own": "x = 1\n"}


def test_a_package_beside_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "va_package").mkdir()
    with pytest.raises(ConfigError, match="an own module must be one file"):
        collect(["va_package.models"], tmp_path)


def test_the_folder_may_be_importable_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "va_own.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert collect(["va_own"], tmp_path) == {"va_own": "x = 1\n"}


def test_all_that_is_wrong_is_told_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "va_own.py").write_text("def f(:\n")
    content = {
        "estimators": {"a": {"class": "va_own:Tree"}, "b": {"class": ["sklearn.svm.SVC", "?"]}}
    }
    with pytest.raises(ConfigError) as caught:
        check_experiment(content, "e.yaml", tmp_path)
    told = str(caught.value)
    assert f"estimators.a.class: {tmp_path}/va_own.py: is not valid Python: line 1" in told
    assert "estimators.b.class: must name code as" in told
