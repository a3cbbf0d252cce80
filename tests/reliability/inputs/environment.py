"""Environments that commands must bear: closed and full streams, limits, read-only folders,
variables."""

import os
import resource
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.reliability.case import ACCEPTED, ONLY_ACCEPTED, ONLY_REFUSED, REFUSED, RUN_ERROR, Case
from tests.reliability.inputs.results_folders import drop_privileges
from tests.reliability.samples import experiment, put_stored

GROUP = "environment"
WHERE = "results/stored"
SAID = frozenset({REFUSED, ACCEPTED, RUN_ERROR})
PREDICT = ("predict", WHERE, "deaths.csv", "--model", "xgboost", "--output", "out.csv")
READING: dict[str, tuple[str, ...]] = {
    "show": ("show", WHERE),
    "show --json": ("show", WHERE, "--json"),
    "show --trials": ("show", WHERE, "--trials"),
    "report": ("report", WHERE),
    "predict": PREDICT,
    "validate": ("validate", "exp.yaml"),
    "schema": ("schema",),
    "space": ("space", "xgboost"),
    "--help": ("--help",),
}
FINISHED = ("tune", "experiment.yaml", "--results", "results")
SMALL = ("tune", "exp.yaml", "--results", "out", "--workers", "1")


def cases() -> Iterator[Case]:
    """Yield the cases."""
    yield from _streams()
    yield from _variables()
    yield from _limits()
    yield from _folders()
    yield from _ray()


def _case(
    kind: str,
    name: str,
    argv: tuple[str, ...],
    allowed: frozenset[str],
    inside: Callable[[], None] | None = None,
    arrange: Callable[[Path], object] = lambda folder: None,
    **environment: str | None,
) -> Case:
    def prepare(folder: Path) -> None:
        put_stored(folder)
        (folder / "data.csv").write_text(
            "cause,site,fever\n" + "".join(f"{'xy'[i % 2]},A,{i % 3}\n" for i in range(30))
        )
        small = experiment(
            name="small", tuning={"n_trials": 2, "cv_folds": 2, "search_method": "random"}
        )
        _write(folder / "exp.yaml", small)
        arrange(folder)

    made = (
        "out.csv",
        "csmf.csv",
        "deaths.html",
        "out",
        "out/*",
        f"{WHERE}/report.html",
        f"{WHERE}/summary.json",
        f"{WHERE}/*",
        ".*",
        "ray/*",
        "ray",
        "tmp/*",
    )
    return Case(
        GROUP,
        kind,
        name,
        argv,
        prepare,
        allowed,
        environment=environment,
        inside=inside,
        creates=made,
        fresh=inside is not drop_privileges,
        ray=True,
        seconds=75,
    )


def _write(path: Path, content: object) -> None:
    import yaml

    path.write_text(yaml.safe_dump(content, sort_keys=False))


def _close(*numbers: int) -> Callable[[], None]:
    return lambda: [os.close(number) for number in numbers] and None


def _to(place: str, number: int) -> Callable[[], None]:
    return lambda: os.dup2(os.open(place, os.O_WRONLY), number) and None


def _to_nobody(number: int) -> None:
    """To a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, number)


def _streams() -> Iterator[Case]:
    """Output that cannot be written: a reader's exit code may be 1, but a search or a file is
    never lost."""
    broken = {
        "stdout closed": _close(1), "stderr closed": _close(2), "stdin closed": _close(0),
        "all closed": _close(0, 1, 2),
        "stdout full": _to("/dev/full", 1), "stderr full": _to("/dev/full", 2),
        "stdout to nobody": partial(_to_nobody, 1), "stderr to nobody": partial(_to_nobody, 2),
    }  # fmt: skip
    for name, inside in broken.items():
        for command in ("show", "show --trials", "predict", "schema", "--help"):
            kept = command == "predict" or not name.startswith(("stdout", "all"))
            yield _case(
                "streams",
                f"{command}, {name}",
                READING[command],
                ONLY_ACCEPTED if kept else SAID,
                inside,
            )
        yield _case("streams", f"finished tune, {name}", FINISHED, ONLY_ACCEPTED, inside)
    for name in ("stdout full", "all closed", "stdout to nobody"):
        yield _case("streams", f"tune, {name}", SMALL, ONLY_ACCEPTED, broken[name])


def _variables() -> Iterator[Case]:
    ascii_only = {
        "LANG": "C",
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    variables: dict[str, dict[str, str | None]] = {
        "ASCII": ascii_only, "Latin-1": {"PYTHONIOENCODING": "latin-1"},
        "C locale": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        "no such locale": {"LC_ALL": "xx_XX.nope"}, "no HOME": {"HOME": None},
        "HOME nowhere": {"HOME": "/nonexistent"},
        "HOME empty": {"HOME": ""}, "HOME in a file": {"HOME": "/etc/passwd"},
        "no PATH": {"PATH": ""},
        "no USER": {"USER": None, "LOGNAME": None},
        "TERM dumb": {"TERM": "dumb"}, "TERM unknown": {"TERM": "nope"}, "no TERM": {"TERM": None},
        "COLUMNS 1": {"COLUMNS": "1"},
        "COLUMNS 0": {"COLUMNS": "0"}, "COLUMNS text": {"COLUMNS": "wide"},
        "COLUMNS below 0": {"COLUMNS": "-5"},
        "COLUMNS large": {"COLUMNS": "99999999"}, "LINES text": {"LINES": "x"},
        "NO_COLOR": {"NO_COLOR": "1"},
        "TZ nowhere": {"TZ": "Nowhere/Nope"}, "threads text": {"OMP_NUM_THREADS": "4"},
        "RAY_ADDRESS empty": {"RAY_ADDRESS": ""},
        "MPLBACKEND": {"MPLBACKEND": "agg"}, "PYTHONWARNINGS": {"PYTHONWARNINGS": "always"},
        "http_proxy": {"http_proxy": "http://127.0.0.1:9"},
        "KUBECONFIG empty": {"KUBECONFIG": ""}, "AWS_REGION odd": {"AWS_REGION": "no where"},
        "PYTHONHASHSEED": {"PYTHONHASHSEED": "7"},
    }  # fmt: skip
    for number, (name, changes) in enumerate(variables.items()):
        names = list(READING)
        for command in dict.fromkeys((names[number % len(names)], "show")):
            yield _case(
                "variables", f"{command}, {name}", READING[command], ONLY_ACCEPTED, **changes
            )
    yield _case("variables", "finished tune, ASCII", FINISHED, ONLY_ACCEPTED, **ascii_only)


def _limit(which: int, value: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(which, (value, value))


def _limits() -> Iterator[Case]:
    limits = {
        "16 open files": (_limit(resource.RLIMIT_NOFILE, 16), SAID),
        "files of 700 bytes": (_limit(resource.RLIMIT_FSIZE, 700), SAID),
        "files of 100 bytes": (_limit(resource.RLIMIT_FSIZE, 100), SAID),
        "no core": (_limit(resource.RLIMIT_CORE, 0), ONLY_ACCEPTED),
        "umask 0777": (lambda: os.umask(0o777) and None, SAID),
        "umask 0": (lambda: os.umask(0) and None, ONLY_ACCEPTED),
    }  # fmt: skip
    for name, (inside, allowed) in limits.items():
        for command in ("predict", "report"):
            yield _case("limits", f"{command}, {name}", READING[command], allowed, inside)
    few = _limit(resource.RLIMIT_FSIZE, 100)
    yield _case("limits", "tune, files of 100 bytes", SMALL, frozenset({REFUSED, RUN_ERROR}), few)
    yield _case(
        "limits", "finished tune, 16 open files", FINISHED, SAID, _limit(resource.RLIMIT_NOFILE, 16)
    )


def _folders() -> Iterator[Case]:
    """As nobody, in folders that only others may write."""

    def read_only(folder: Path) -> None:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)

    def gone() -> None:
        Path("gone").mkdir()
        os.chdir("gone")
        Path("../gone").rmdir()

    home = {"HOME": "/nonexistent"}
    for command in ("show", "show --trials", "validate"):
        yield _case(
            "folders",
            f"{command}, read-only",
            READING[command],
            ONLY_ACCEPTED,
            drop_privileges,
            read_only,
            **home,
        )
    yield _case(
        "folders", "predict, read-only", PREDICT, ONLY_REFUSED, drop_privileges, read_only, **home
    )
    yield _case(
        "folders",
        "report, read-only",
        ("report", WHERE),
        ONLY_REFUSED,
        drop_privileges,
        read_only,
        **home,
    )
    yield _case(
        "folders", "tune, read-only", SMALL, ONLY_REFUSED, drop_privileges, read_only, **home
    )
    yield _case(
        "folders",
        "finished tune, read-only",
        FINISHED,
        ONLY_REFUSED,
        drop_privileges,
        read_only,
        **home,
    )
    outside = (
        ("show", "/nonexistent/x"),
        ("schema",),
        ("validate", "exp.yaml"),
        ("predict", "x", "y"),
        ("tune", "exp.yaml"),
    )
    for argv in outside:
        allowed = ONLY_ACCEPTED if argv == ("schema",) else ONLY_REFUSED
        yield _case("folders", f"{argv[0]}, the current folder is gone", argv, allowed, gone)


def _ray() -> Iterator[Case]:
    """Places where Ray cannot start or be reached: one sentence, soon, and the search can go on
    later. Workers of this machine need no place."""
    end = frozenset({REFUSED, RUN_ERROR})
    addresses = {
        "nobody listens": "127.0.0.1:9", "no such host": "nowhere.invalid:6379", "text": "nonsense",
        "a URL": "http://127.0.0.1:9", "ray://": "ray://127.0.0.1:9",
        "a bad port": "127.0.0.1:99999", "a list": "127.0.0.1:9,127.0.0.1:10",
    }  # fmt: skip
    for name, address in addresses.items():
        yield _case("Ray", f"RAY_ADDRESS {name}", SMALL, end, RAY_ADDRESS=address)
    for name, address in {"empty": "", "a space": " "}.items():
        yield _case("Ray", f"RAY_ADDRESS {name}", SMALL, ONLY_ACCEPTED, RAY_ADDRESS=address)
    yield _case(
        "Ray", "RAY_ADDRESS dead, finished", FINISHED, ONLY_ACCEPTED, RAY_ADDRESS="127.0.0.1:9"
    )
    for name, place in {
        "nowhere": "/nonexistent",
        "a file": "/etc/passwd",
        "/proc": "/proc",
    }.items():
        places = {"TMPDIR": place, "RAY_TMPDIR": place}
        yield _case("Ray", f"TMPDIR {name}", SMALL, SAID, RAY_ADDRESS="local", **places)
        yield _case("workers", f"TMPDIR {name}", SMALL, ONLY_ACCEPTED, **places)
    long = "t" * 120
    for kind, allowed, address in (("Ray", SAID, "local"), ("workers", ONLY_ACCEPTED, None)):
        yield _case(
            kind,
            "TMPDIR long",
            SMALL,
            allowed,
            arrange=lambda folder: (folder / long).mkdir(),
            TMPDIR=long,
            RAY_ADDRESS=address,
        )
