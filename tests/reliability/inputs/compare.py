"""Comparisons that cannot be run: their experiment files, their flags and their data."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.reliability.case import (
    ACCEPTED,
    ONLY_ACCEPTED,
    ONLY_REFUSED,
    REFUSED,
    SCRIPT,
    Case,
    Outcome,
)
from tests.reliability.deaths import good_table, parquet
from tests.reliability.inputs.arguments import STRANGE
from tests.reliability.samples import experiment, put, put_stored

GROUP = "compare"
_HEAD = "va34,site,fever,cough\n"
_ROWS = "".join(f"{'xyz'[i % 3]},{'AB'[i % 2]},{i % 2},{i % 5}\n" for i in range(60))
_GOOD = _HEAD + _ROWS
_LINES = (
    "--sites", "--sites Z", "--sites A Z", "--sites ''", "--label-type nope", "--label-type cod5",
    "--models",
    "--models svm",
    "--models XGBOOST", "--experiments", "--experiments nope", "--training-sizes 0",
    "--training-sizes 2",
    "--training-sizes -1", "--training-sizes nan", "--training-sizes inf", "--training-sizes x",
    "--training-sizes 1e-300",
    "--outer-folds 0", "--outer-folds 1 --experiments cross_validation", "--outer-folds x",
    "--outer-folds 1000000000 --experiments cross_validation",
    "--outer-folds 99999999999999999999 --experiments cross_validation",
    "--protocols nope", "--protocols shift", "--shift x=0.5", "--protocols shift --shift x",
    "--protocols shift --shift =0.5",
    "--protocols shift --shift nope=0.5", "--protocols shift --shift x=2",
    "--protocols shift --shift x=-1",
    "--protocols shift --shift x=nan", "--protocols shift --shift x=0.6:0.2",
    "--protocols shift --shift x=0.1:0.2:0.3",
    "--protocols shift --shift x=0.9 y=0.9", "--n-bootstrap 0", "--n-bootstrap x",
    "--n-bootstrap -5",
    "--n-workers 0", "--n-workers x", "--batch-size 0", "--checkpoint-interval 0",
    "--memory-per-worker x",
    "--memory-per-worker 0Gi", "--memory-per-worker nan", "--random-seed -1", "--random-seed x",
    "--random-seed 99999999999999999999", "--random-seed 4294967296", "--tuning-method nope",
    "--tune-hyperparameters --tuning-trials 0", "--tune-hyperparameters --tuning-cv-folds 0",
    "--tune-hyperparameters --tuning-cv-folds -3", "--tune-hyperparameters --tuning-cv-folds 1",
    "--tune-hyperparameters --tuning-timeout soon", "--tune-hyperparameters --tuning-timeout 0s",
    "--tune-hyperparameters --tuning-metric nope", "--tune-hyperparameters --tuning-method pbt",
    "--tune-hyperparameters --search-spaces nowhere", "--tune-hyperparameters --search-spaces .",
    "--tune-hyperparameters --search-spaces data.csv",
    "--tune-hyperparameters --search-spaces spaces",
    "--tune-hyperparameters --selection nope", "--tune-hyperparameters --tuned-params x",
    "--tuned-params nowhere",
    "--tuned-params .", "--tuned-params data.csv", "--tuned-params s3://",
    "--tuned-params ftp://x/y",
    "--output-dir data.csv", "--output-dir data.csv/x", "--output-dir /proc/x", "--output-dir ''",
    "--output-dir ftp://x",
    "--output-dir loop", "--nope", "more", "--resume --nope", "--data-path", "--no-plots=1",
)  # fmt: skip


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for line in _LINES:
        argv = tuple("" if part == "''" else part for part in line.split())
        yield _case("flags", line, argv)
    for name, text in STRANGE.items():
        yield _case("strange", f"--sites {name}", (f"--sites={text}",))
        yield _case("strange", f"--data-path {name}", (f"--data-path={text}",))
        yield _case("strange", f"--tuned-params {name}", (f"--tuned-params={text}",))
    yield Case(GROUP, "flags", "nothing", (SCRIPT,))
    yield Case(GROUP, "flags", "help", (SCRIPT, "--help"), allowed=ONLY_ACCEPTED)
    yield from _of_files()
    for name, content in _files().items():
        yield _case("data", name, (), content)
    for line in (
        "--sites A A B",
        "--models logistic_regression logistic_regression",
        "--training-sizes 1 1 --experiments training_size",
    ):
        yield _repeated(line)


def _case(kind: str, name: str, more: tuple[str, ...], content: bytes = _GOOD.encode()) -> Case:
    argv = (SCRIPT, "--data-path", "data.csv", "--output-dir", "out", *more)
    return Case(GROUP, kind, name, argv, partial(_arrange, content=content), ONLY_REFUSED)


_SECTIONS: dict[str, object] = {
    "a list": [], "a text": "in_domain", "null": None, "an unknown key": {"experimets": []},
    "no experiments": {"experiments": []}, "an unknown experiment": {"experiments": ["nope"]},
    "experiments as text": {"experiments": "in_domain"},
    "an experiment twice": {"experiments": ["in_domain", "in_domain"]},
    "a nested list": {"experiments": [["in_domain"]]}, "a size of 0": {"training_sizes": [0]},
    "a size above 1": {"training_sizes": [1.5]}, "sizes of text": {"training_sizes": ["half"]},
    "a size that is true": {"training_sizes": [True, "x"]}, "one fold": {"outer_folds": 1},
    "more folds than rows": {"experiments": ["cross_validation"], "outer_folds": 1000},
    "folds without end": {"outer_folds": 10**30}, "folds of text": {"outer_folds": "many"},
    "an unknown protocol": {"protocols": ["stratified"]}, "no protocols": {"protocols": []},
    "shift that is not stated": {"protocols": ["shift"]}, "a removed key": {"ensemble": True},
    "one resample": {"n_bootstrap": 1}, "resamples of true": {"n_bootstrap": True},
    "two choices": {"tune": True, "tuned_params": "x"}, "tune of text": {"tune": "perhaps"},
    "an empty address": {"tuned_params": ""}, "an address of ftp": {"tuned_params": "ftp://x"},
    "an address that is nowhere": {"tuned_params": "nowhere"},
    "an address that is a file": {"tuned_params": "data.csv"},
    "an experiment on other data": {"tuned_params": "results/stored"},
}  # fmt: skip
_OTHER_SECTIONS: dict[str, dict[str, object]] = {
    "no sites": {"data": {"source": "data.csv", "label": "cause"}},
    "a site that is not there": {
        "data": {"source": "data.csv", "label": "cause", "site": "site", "sites": ["Z"]}
    },
    "a label that is not there": {"data": {"source": "data.csv", "label": "va34"}},
    "data that are not there": {"data": {"source": "nowhere.csv", "label": "cause"}},
    "synthetic deaths of one site": {"data": {"format": "synthetic", "synthetic": {"n_sites": 1}}},
    "shift of a cause that is not there": {
        "validation": {"scheme": "shift", "shift": {"nope": 0.5}}
    },
    "pbt for a forest": {"tuning": {"search_method": "pbt"}},
    "spaces that are nowhere": {"tuning": {"search_spaces": "nowhere"}},
    "results in a file": {"results": "data.csv"},
    "results in /proc": {"results": "/proc/x"},
    "a name that is no name": {"name": "No name"},
    "more than any machine has": {"budget": {"memory_per_task": "9000Gi"}},
    "the name of an experiment": {"name": "stored", "results": "results"},
}
_USES = (
    "", "nowhere.yaml", "data.csv", ".", "experiment.yaml more", "experiment.yaml --nope",
    "experiment.yaml --output", "experiment.yaml --output ftp://x", "experiment.yaml --output ''",
    "experiment.yaml --output data.csv", "experiment.yaml --output /proc/x",
    "experiment.yaml --output results/stored", "experiment.yaml --workers 0",
    "experiment.yaml --workers x", "--data-path data.csv", "experiment.yaml --resume",
)  # fmt: skip


def _of_files() -> Iterator[Case]:
    """Yield what `va-tuning compare` is given."""
    argv = ("compare", "experiment.yaml")
    for name, section in _SECTIONS.items():
        arrange = partial(_put, comparison=section)
        yield Case(
            GROUP, "section", name, argv, arrange, names=("comparison|stored|nowhere|data.csv",)
        )
    for name, changes in _OTHER_SECTIONS.items():
        ray = "budget" in changes
        yield Case(GROUP, "file", name, argv, partial(_put, **changes), ray=ray, seconds=90)
    for line in _USES:
        words = tuple("" if part == "''" else part for part in line.split())
        yield Case(GROUP, "usage", f"compare {line}", ("compare", *words), _put)
    for name, text in STRANGE.items():
        yield Case(GROUP, "strange", f"compare {name}", ("compare", "--", text), _put)
        yield Case(GROUP, "strange", f"--output {name}", (*argv, f"--output={text}"), _put_unfit)


def _put(folder: Path, **changes: object) -> None:
    put_stored(folder)
    put(folder, experiment(**changes))


def _put_unfit(folder: Path) -> None:
    """Whatever the place: the data have no such label."""
    _put(folder, data={"source": "data.csv", "label": "nope"})


def _arrange(folder: Path, content: bytes = _GOOD.encode()) -> None:
    (folder / "data.csv").write_bytes(content)
    (folder / "loop").symlink_to("loop")
    (folder / "spaces").mkdir()
    (folder / "spaces" / "xgboost.yaml").write_text("max_depth: [3]\nmax_depth: [4]\n")


def _files() -> dict[str, bytes]:
    good = parquet(good_table())
    files: dict[str, str | bytes] = {
        "empty": "", "header only": _HEAD, "one site": _GOOD.replace(",B,", ",A,"),
        "no site": _GOOD.replace("site", "place"),
        "no label": _GOOD.replace("va34", "cause"), "few rows a site": _HEAD + _ROWS[:80],
        "one cause": _GOOD.replace("y,", "x,").replace("z,", "x,"),
        "NULs": bytes(500), "Parquet cut": good[: len(good) // 2],
        "Parquet cut by a byte": good[:-1],
        "Parquet magic": b"PAR1",
        "Parquet magic twice": b"PAR1" * 2,
        "a header of 140,000 characters": _GOOD.replace("fever", "f" * 140_000),
        "a header of 2 MB": ",".join(f"f{i}" for i in range(250_000)) + "\nx\n",
        "an open quote in the header": '"va34,site,fever\nx,A,1\n',
        "UTF-16, cut": _GOOD.encode("utf-16")[:-1],
        "invalid bytes": b"\xff\xfe\xfd" + _GOOD.encode(),
        "PNG": b"\x89PNG\r\n\x1a\n" + bytes(99), "HTML": "<html></html>",
        "a header of NULs": "va34,site,\0\nx,A,1\n",
        "PHMRC's columns only": "module,gs_text34,site\nAdult,x,A\n",
        "carriage returns": _GOOD.replace("\n", "\r") + "\0",
    }  # fmt: skip
    return {
        name: content.encode() if isinstance(content, str) else content
        for name, content in files.items()
    }


def _repeated(line: str) -> Case:
    """What is named twice counts once, or is refused."""
    argv = (
        SCRIPT, "--data-path", "data.csv", "--output-dir", "out", "--n-workers", "1",
        "--n-bootstrap", "5", "--no-plots", "--models", "logistic_regression",
        "--experiments", "in_domain", *line.split(),
    )  # fmt: skip

    def check(folder: Path, outcome: Outcome) -> Iterator[str]:
        if outcome.code == 0:
            rows = (folder / "out" / "full_results.csv").read_text().splitlines()[1:]
            keys = [tuple(row.split(",")[:6]) for row in rows]
            if len(set(keys)) < len(keys):
                yield f"rows that stand twice: {keys[:4]}"

    allowed = frozenset({REFUSED, ACCEPTED})
    return Case(
        GROUP,
        "repeated",
        line,
        argv,
        _arrange,
        allowed,
        creates=("out", "out/*"),
        ray=True,
        check=check,
        seconds=90,
    )
