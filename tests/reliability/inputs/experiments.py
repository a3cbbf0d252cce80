"""Experiment files that are no such thing: hostile YAML, files that cannot be read, values that
contradict."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.reliability.case import ONLY_ACCEPTED, ONLY_REFUSED, REFUSED_OR_ACCEPTED, Case
from tests.reliability.samples import BASE, experiment, put

GROUP = "experiment YAML"
FILE = "experiment.yaml"
HEAD = "name: exp\ndata: {source: data.csv, label: cause, site: site}\nmodels: [random_forest]\n"
_NAMED = f"{FILE}|data.csv|data.|tuning.|validation.|budget."
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
    for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)


def _many(name: str, ending: str = "") -> str:
    return ", ".join(f"{name}{i}{ending}" for i in range(10_000))


_HOSTILE: dict[str, str | bytes] = {
    "empty": "",
    "blank": "\n\n   \n",
    "comment only": "# nothing\n",
    "a list": "- a\n- b\n",
    "a text": "hello\n",
    "a number": "17\n",
    "null": "null\n",
    "unclosed bracket": "name: [unclosed",
    "unclosed quote": 'name: "exp\nmodels: x',
    "tab indentation": "name: exp\n\tdata: x\n",
    "tag of Python": "!!python/object/apply:os.system ['touch owned']\n",
    "tag of Python in a value": HEAD + "results: !!python/name:os.system\n",
    "unknown tag": HEAD + "results: !secret x\n",
    "tag set": HEAD + "budget: !!set {timeout}\n",
    "tag omap": HEAD + "budget: !!omap [timeout: 1]\n",
    "tag int of text": HEAD + "seed: !!int many\n",
    "tag float of text": HEAD + "seed: !!float 1e\n",
    "tag timestamp of text": HEAD + "seed: !!timestamp soon\n",
    "tag bool of text": HEAD + "seed: !!bool 7\n",
    "two documents": HEAD + "---\n" + HEAD,
    "billion laughs": LAUGHS + HEAD,
    "billion laughs in a key":
        LAUGHS + HEAD + "tuning: {search_spaces: {random_forest: {max_depth: *j}}}\n",
    "laughs in merges": "a: &a {x: 1}\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} {{<<: "
        f"[{', '.join([f'*{chr(97 + i)}'] * 9)}]}}\n" for i in range(12)) + HEAD,
    "alias to itself": "a: &a [*a]\n" + HEAD,
    "map that holds itself":
        "name: exp\ndata: &d {source: data.csv, label: *d}\nmodels: [random_forest]\n",
    "undefined alias": HEAD + "results: *nothing\n",
    "list as a key": HEAD + "? [a, b]\n: 1\n",
    "map as a key": HEAD + "? {a: b}\n: 1\n",
    "number as a key": HEAD + "1: 2\n",
    "null as a key": HEAD + "~: 2\n",
    "date as a key": HEAD + "2024-01-01: 2\n",
    "bool as a key": HEAD + "yes: 2\n",
    "duplicate key": HEAD + "seed: 1\nseed: 2\n",
    "duplicate key, same value": HEAD + "seed: 1\nseed: 1\n",
    "duplicate key inside": HEAD + "tuning: {n_trials: 1, n_trials: 100}\n",
    "duplicate key in a list": HEAD + "tuning: {search_spaces: {random_forest: {max_depth: [3], "
    "forbid: [{max_depth: 3, max_depth: 4}]}}}\n",
    "duplicate key, quoted": HEAD + '"seed": 1\nseed: 2\n',
    "duplicate parameter":
        HEAD + "tuning: {search_spaces: {random_forest: {max_depth: [3], max_depth: [4]}}}\n",
    "deep lists": HEAD + "results: " + "[" * 3000 + "]" * 3000,
    "very deep lists": HEAD + "results: " + "[" * 100_000,
    "deep maps": HEAD + "results: " + "{a: " * 3000 + "1" + "}" * 3000,
    "deep block": HEAD + "results:\n" + "".join(" " * (i + 1) + "a:\n" for i in range(2000)),
    "deep block lists": HEAD + "results:\n" + "- " * 5000 + "a\n",
    "5,000 digits": HEAD + "seed: " + "9" * 5000 + "\n",
    "5,000 digits, hexadecimal": HEAD + "seed: 0x" + "f" * 5000 + "\n",
    "5,000 digits, octal": HEAD + "seed: 0o" + "7" * 5000 + "\n",
    "5,000 digits, binary": HEAD + "seed: 0b" + "1" * 50_000 + "\n",
    "sexagesimal": HEAD + "seed: " + ":".join(["59"] * 3000) + "\n",
    "sexagesimal float": HEAD + "seed: " + ":".join(["59"] * 3000) + ".5\n",
    "only underscores": HEAD + "seed: 0x_\n",
    "1e400": HEAD + "budget: {cpu_seconds: 1.0e+400}\n",
    "no such date": HEAD + "seed: 2024-99-99\n",
    "no such time": HEAD + "seed: 2024-01-01T99:99:99Z\n",
    "a time zone of 99 hours": HEAD + "seed: 2024-01-01T01:01:01+99:99\n",
    "year 0": HEAD + "seed: 0000-01-01\n",
    "a date as a value": HEAD + "seed: 2024-01-01\n",
    "a date as a name": HEAD.replace("name: exp", "name: 2024-01-01"),
    "NUL": HEAD + "results: a\x00b\n",
    "NUL escaped": HEAD + 'results: "a\\0b"\n',
    "NUL escaped in the source": HEAD.replace("data.csv", '"data\\0.csv"'),
    "NUL escaped in a key": HEAD + '"a\\0b": 1\n',
    "escape in a key": HEAD + '"\\e[31mred": 1\n',
    "escape in a name": HEAD.replace("name: exp", 'name: "\\e]0;title\\a"'),
    "escape in the results": HEAD + 'results: "x\\e[2J"\nseed: -1\n',
    "bidi override in a key": HEAD + '"a\\u202eb": 1\n',
    "line feeds in a key": HEAD + '"a\\nva-tuning: all is well\\n": 1\n',
    "C1 control": HEAD + '"a\\x9b31m": 1\n',
    "a lone surrogate": HEAD + 'results: "\\ud800"\n',
    "a surrogate pair": HEAD + 'name2: "\\ud83d\\ude00"\n',
    "a code point too high": HEAD + 'results: "\\U00110000"\n',
    "invalid UTF-8": HEAD.encode() + b"results: \xff\xfe\n",
    "a lone continuation": HEAD.encode() + b"# \x80\n",
    "UTF-32": HEAD.encode("utf-32"),
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "zip": b"PK\x03\x04" + bytes(100),
    "gzip": b"\x1f\x8b\x08" + bytes(100),
    "only NULs": bytes(5000),
    "random bytes": bytes((i * 7919 + 13) % 256 for i in range(10_000)),
    "one long line": HEAD + "x" * 1_000_000,
    "a long key": HEAD + "k" * 100_000 + ": 1\n",
    "a very long key": HEAD + "? " + "k" * 1_000_000 + "\n: 1\n",
    "a long value": HEAD + "seed: " + "v" * 1_000_000 + "\n",
    "a long name": HEAD.replace("exp", "e" * 100_000),
    "a long source": HEAD.replace("data.csv", "d" * 100_000),
    "a long label": HEAD.replace("label: cause", "label: " + "c" * 100_000),
    "a long model": HEAD.replace("random_forest", "r" * 100_000),
    "10,000 unknown keys": HEAD + "".join(f"key{i}: 1\n" for i in range(10_000)),
    "10,000 models": HEAD.replace("[random_forest]", f"[{_many('m')}]"),
    "10,000 sites": HEAD.replace("site: site", f"site: site, sites: [{_many('s')}]"),
    "10,000 columns to drop": HEAD.replace("site: site", f"site: site, drop: [{_many('s')}]"),
    "10,000 shifted causes":
        HEAD + f"validation: {{scheme: shift, shift: {{{_many('c', ': 0')}}}}}\n",
    "JSON": '{"name": "exp"}',
    "percent directive": "%YAML 9.9\n---\n" + HEAD,
    "reserved indicator": HEAD + "results: @home\n",
    "backtick": HEAD + "results: `id`\n",
    "merge of a number": HEAD + "<<: 3\n",
    "merge of a list of numbers": HEAD + "<<: [1, 2]\n",
    "value key": HEAD + "=: 3\n",
    "HTML": "<!doctype html><html><body>404</body></html>",
    "a Python file": "import os\nprint('x')\n",
    "a CSV file": "cause,site\nx,A\n",
}  # fmt: skip

_FINE: dict[str, str | bytes] = {
    "byte order mark": b"\xef\xbb\xbf" + HEAD.encode(),
    "Windows line ends": HEAD.replace("\n", "\r\n"),
    "old Mac line ends": HEAD.replace("\n", "\r"),
    "document marks": "---\n" + HEAD + "...\n",
    "an anchor that is used once": HEAD + "seed: &s 3\ntuning: {n_trials: *s}\n",
    "a merge key": "x: &x {source: data.csv, label: cause, site: site}\n"
    + HEAD.replace("{source", "{<<: *x, source"),
    "underscores": HEAD + "seed: 1" + "_" * 5000 + "\n",
    "tag binary": HEAD + "results: !!binary aGVsbG8=\n",
    "UTF-16": HEAD.encode("utf-16"),
    "non-ASCII comment": HEAD + "# données – décès\n",
}

_CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "models twice": {"models": ["random_forest", "random_forest"]},
    "a space of no model": {"tuning": {"search_spaces": {"xgboost": {"max_depth": [3]}}}},
    "objectives twice": {"tuning": {"search_method": "optuna", "scoring_metric": ["ccc", "ccc"]}},
    "two objectives of asha": {
        "tuning": {"search_method": "asha", "scoring_metric": ["ccc", "csmf_accuracy"]}
    },
    "a sampler of bayesian": {"tuning": {"sampler": "qmc"}},
    "a rule that is gone": {"tuning": {"early_stopping": "race"}},
    "a key that is gone": {"tuning": {"scheduler": "asha"}},
    "pbt of a forest": {"tuning": {"search_method": "pbt"}},
    "more folds than rows": {"tuning": {"cv_folds": 31}},
    "10⁹ folds": {"tuning": {"cv_folds": 10**9}},
    "shift without shares": {"validation": {"scheme": "shift"}},
    "shares without shift": {"validation": {"shift": {"x": 0.5}}},
    "a cause that is not there": {"validation": {"scheme": "shift", "shift": {"nope": 0.5}}},
    "shares above 1": {"validation": {"scheme": "shift", "shift": {"x": 0.6, "y": [0.6, 0.7]}}},
    "a share reversed": {"validation": {"scheme": "shift", "shift": {"x": [0.6, 0.2]}}},
    "a share of nan": {"validation": {"scheme": "shift", "shift": {"x": float("nan")}}},
    "estimators twice": {"validation": {"csmf_estimators": ["em", "em"]}},
    "holdout of sites": {"validation": {"scheme": "leave_one_site_out", "holdout": 0.2}},
    "one site left out of one": {
        "data": {**BASE["data"], "site": None},
        "validation": {"scheme": "leave_one_site_out"},
    },
    "label is site": {"data": {**BASE["data"], "site": "cause"}},
    "label dropped": {"data": {**BASE["data"], "drop": ["cause"]}},
    "a column dropped that is not there": {"data": {**BASE["data"], "drop": ["nope"]}},
    "a label that is not there": {"data": {**BASE["data"], "label": "nope"}},
    "a site column that is not there": {"data": {**BASE["data"], "site": "nope"}},
    "a site that is not there": {"data": {**BASE["data"], "sites": ["Z"]}},
    "all but one cause gone": {"data": {**BASE["data"], "drop": ["fever", "cough"]}},
    "synthetic with a source": {"data": {"format": "synthetic", "source": "data.csv"}},
    "synthetic of more causes than deaths": {
        "data": {"format": "synthetic", "synthetic": {"n_samples": 20, "n_causes": 40}}
    },
    "hce of a table": {"data": {**BASE["data"], "hce": False}},
    "a table as PHMRC": {"data": {"format": "phmrc", "source": "data.csv"}},
    "a table as openVA": {"data": {"format": "openva", "source": "data.csv"}},
    "draws without end": {"validation": {"n_draws": 10**12}},
    "a timeout of nothing": {"budget": {"timeout": "0s"}},
    "a timeout of 10³⁰⁰ days": {"budget": {"timeout": "1" + "0" * 400 + "d"}},
    "memory of 10³⁰⁰ Gi": {"budget": {"memory_per_task": "9" * 400 + "Gi"}},
    "memory of infinity": {"budget": {"memory_per_task": float("inf")}},
    "a timeout of nan": {"budget": {"timeout": float("nan")}},
    "CPU seconds of infinity": {"budget": {"cpu_seconds": float("inf")}},
    "Gaussian processes without torch": {"tuning": {"search_method": "optuna", "sampler": "gp"}},
}
"""Keys of an experiment that contradict each other, the data or the machine."""


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for name, content in _HOSTILE.items():
        yield _case("hostile text", name, partial(put, content=content), ONLY_REFUSED, (_NAMED,))
    for name, content in _FINE.items():
        doubtful = ("old Mac line ends", "a merge key", "underscores", "tag binary", "UTF-16")
        allowed = REFUSED_OR_ACCEPTED if name in doubtful else ONLY_ACCEPTED
        yield _case("unusual text", name, partial(put, content=content), allowed)
    for name, change in _CONTRADICTIONS.items():
        arrange = partial(put, content=experiment(**change))
        yield _case("contradiction", name, arrange, ONLY_REFUSED, (_NAMED,))
    for path in _SOURCES:
        content = experiment(data={**BASE["data"], "source": path})
        yield _case("source", repr(path), partial(put, content=content), ONLY_REFUSED)
    for name, make in _files().items():
        yield _case("no file", name, make, ONLY_REFUSED, (FILE,))


def _case(
    kind: str,
    name: str,
    arrange: Callable[[Path], object],
    allowed: frozenset[str],
    names: tuple[str, ...] = (),
) -> Case:
    command = (
        ("tune", FILE, "--results", "results")
        if allowed == ONLY_REFUSED and len(name) % 2
        else ("validate", FILE)
    )
    return Case(GROUP, kind, name, command, arrange, allowed, names)


_SOURCES = (
    "", " ", ".", "/", "data.csv/x", "~/data.csv", "data.csv\n", "/dev/null", "/proc/self/mem",
    "/proc/none",
    "file:///none", "ftp://x/y", "s3://", "://", "http://", "mailto:x@y",
)  # fmt: skip


def _files() -> dict[str, Callable[[Path], object]]:
    return {
        "absent": lambda folder: None,
        "a folder": lambda folder: (folder / FILE).mkdir(),
        "a dangling link": lambda folder: (folder / FILE).symlink_to("nowhere"),
        "a link to itself": lambda folder: (folder / FILE).symlink_to(FILE),
        "a FIFO": lambda folder: os.mkfifo(folder / FILE),
        "/dev/zero": lambda folder: (folder / FILE).symlink_to("/dev/zero"),
        "/dev/urandom": lambda folder: (folder / FILE).symlink_to("/dev/urandom"),
        "/proc/self/mem": lambda folder: (folder / FILE).symlink_to("/proc/self/mem"),
        "a sparse file of 1 GB": lambda folder: _sparse(folder / FILE, 10**9),
        "a space file that is absent": lambda folder: put(
            folder, experiment(tuning={"search_spaces": {"random_forest": "no.yaml"}})
        ),
        "a space file that is a folder": lambda folder: (
            (folder / "s.yaml").mkdir(),
            put(folder, experiment(tuning={"search_spaces": {"random_forest": "s.yaml"}})),
        ),
        "a space file with a NUL": lambda folder: put(
            folder, experiment(tuning={"search_spaces": {"random_forest": "a\0b"}})
        ),
        "a space file that loops": lambda folder: (
            (folder / "s.yaml").symlink_to("s.yaml"),
            put(folder, experiment(tuning={"search_spaces": {"random_forest": "s.yaml"}})),
        ),
        "a space folder with a NUL":
            lambda folder: put(folder, experiment(tuning={"search_spaces": "a\0b"})),
        "a space folder of a long name":
            lambda folder: put(folder, experiment(tuning={"search_spaces": "s" * 5000})),
        "a space folder that is a file":
            lambda folder: put(folder, experiment(tuning={"search_spaces": "data.csv"})),
        "a space folder without files": lambda folder: (
            (folder / "spaces").mkdir(),
            put(folder, experiment(tuning={"search_spaces": "spaces"})),
        ),
        "a space folder of other models": lambda folder: (
            (folder / "spaces").mkdir(),
            (folder / "spaces" / "xgboost.yaml").write_text("max_depth: [3]\n"),
            put(folder, experiment(tuning={"search_spaces": "spaces"})),
        ),
        "a space folder with a misspelt file": lambda folder: (
            (folder / "spaces").mkdir(),
            (folder / "spaces" / "random_forest.yml").write_text("max_depth: [3]\n"),
            put(folder, experiment(tuning={"search_spaces": "spaces"})),
        ),
        "a space file of hostile YAML": lambda folder: (
            (folder / "s.yaml").write_text(LAUGHS + "max_depth: *j\n"),
            put(folder, experiment(tuning={"search_spaces": {"random_forest": "s.yaml"}})),
        ),
        "a space file with duplicate keys": lambda folder: (
            (folder / "s.yaml").write_text("max_depth: [3]\nmax_depth: [4]\n"),
            put(folder, experiment(tuning={"search_spaces": {"random_forest": "s.yaml"}})),
        ),
    }  # fmt: skip


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)
