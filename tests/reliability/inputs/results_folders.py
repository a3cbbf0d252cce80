"""Damaged results, read by show, report, predict and check: named or made up for, never a wrong
answer."""

import os
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from tests.reliability import process
from tests.reliability.case import ONLY_ACCEPTED, REFUSED_OR_ACCEPTED, Case, Outcome
from tests.reliability.damage import FOREIGN, Damage, of_kind
from tests.reliability.samples import STORED, current, put_stored

GROUP = "results folders"
MODEL = "xgboost"
WHERE = "results/stored"
COMMANDS: dict[str, tuple[str, ...]] = {
    "show": ("show", WHERE),
    "show --json": ("show", WHERE, "--json"),
    "show --trials": ("show", WHERE, "--trials"),
    "show --wide": ("show", WHERE, "--trials", "--wide"),
    "report": ("report", WHERE),
    "predict": ("predict", WHERE, "deaths.csv", "--model", MODEL, "--output", "out.csv"),
    "check": ("check", WHERE),
}
CREATES = {
    "report": (f"{WHERE}/report.html", f"{WHERE}/summary.json"),
    "predict": ("out.csv", "csmf.csv", "deaths.html"),
}
_NOBODY = 65534


def drop_privileges() -> None:
    """Become nobody, whom file modes bind."""
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)


def cases() -> Iterator[Case]:
    """Yield the cases: every kind of object × damage × command, and foreign files."""
    for shift, (fixture, experiment) in enumerate(
        {"0.1.0": STORED / "finished", "now": current()}.items()
    ):
        for command in COMMANDS:
            yield _case(
                f"{fixture}, intact",
                command,
                experiment,
                command,
                ONLY_ACCEPTED,
                "",
                lambda path: None,
            )
        for number, (target, damage, action) in enumerate(_damaged(experiment)):
            command = list(COMMANDS)[(number + shift) % len(COMMANDS)]
            name = f"{target} {damage}, {command}"
            yield _case(
                f"{fixture}, damage", name, experiment, command, REFUSED_OR_ACCEPTED, target, action
            )
        yield from _foreign(fixture, experiment)
    yield from _no_experiments()


def objects(experiment: Path) -> list[str]:
    """One object of every kind that an experiment has."""
    found: dict[str, str] = {}
    for path in sorted(experiment.rglob("*")):
        name = str(path.relative_to(experiment))
        if (
            path.is_file()
            and ("/" not in name or name.startswith(MODEL))
            and not name.endswith((".html", "lease.json"))
        ):
            kind = (
                str(path.parent),
                path.suffix,
                path.stem.isdigit(),
                "" if path.parent != experiment else path.name,
            )
            found[str(kind)] = name
    return list(found.values())


def _damaged(experiment: Path) -> Iterator[tuple[str, str, Damage]]:
    for target in objects(experiment):
        for name, damage in of_kind(experiment / target).items():
            yield target, name, damage


def _case(
    kind: str,
    name: str,
    experiment: Path,
    command: str,
    allowed: frozenset[str],
    target: str,
    damage: Damage,
) -> Case:
    def arrange(folder: Path) -> None:
        damage(put_stored(folder, experiment) / target)

    return Case(
        GROUP, kind, name, COMMANDS[command], arrange, allowed,
        names=(f"{Path(target).name}|must be the address of an experiment",) if target else (),
        inside=drop_privileges if "unreadable" in name else None,
        creates=CREATES.get(command, ()),
        check=partial(_right_or_said, experiment, command, target, "absent" in name),
        seconds=15,
    )  # fmt: skip


def _right_or_said(
    experiment: Path, command: str, target: str, absent: bool, folder: Path, outcome: Outcome
) -> Iterator[str]:
    """An accepted command gives the undisturbed answer, or names the object that it lacks."""
    if outcome.code != 0 or (target and Path(target).name in outcome.said):
        return
    if absent and "trials/" in target:  # as if it had never been run
        return
    if answer(folder, command, outcome) != undisturbed(experiment, command):
        yield f"another answer than of undisturbed results, and no word of {target or 'why'}"


def answer(folder: Path, command: str, outcome: Outcome) -> str:
    """What a command gave: its file if it makes one, else what it printed."""
    made = {"predict": folder / "out.csv", "report": folder / WHERE / "report.html"}.get(command)
    return made.read_text() if made and made.exists() else outcome.out


@cache
def undisturbed(experiment: Path, command: str) -> str:
    """What the command gives of the experiment as it was stored."""
    with process.scratch() as place:
        work = place / "work"
        work.mkdir()
        put_stored(work, experiment)
        case = Case(GROUP, "intact", command, COMMANDS[command])
        outcome = process.run(case, work, place)
        if outcome.code != 0:
            raise AssertionError(f"the undisturbed {command} fails: {outcome.err}")
        return answer(work, command, outcome)


def _foreign(fixture: str, experiment: Path) -> Iterator[Case]:
    places = sorted(
        {str(p.parent.relative_to(experiment)) for p in experiment.rglob("*") if p.is_file()}
    )
    places = [place for place in places if place == "." or place.startswith(MODEL)]
    for number, foreign in enumerate(FOREIGN):
        for at, place in enumerate((places[number % len(places)], f"{MODEL}/trials")):
            command = list(COMMANDS)[(number + at) % len(COMMANDS)]

            def add(
                root: Path, place: str = place, foreign: str = foreign, number: int = number
            ) -> None:
                inside = [p for p in sorted((root / place).iterdir()) if p.is_file()]
                content = (
                    inside[0].read_bytes() if inside and number % 2 else b"\x00\x05\x16\x07 junk"
                )
                (root / place / foreign).write_bytes(content)

            yield _case(
                f"{fixture}, foreign",
                f"{foreign} in {place}, {command}",
                experiment,
                command,
                ONLY_ACCEPTED,
                "",
                add,
            )
    for name in ("notes", ".git", "xgboost (conflicted copy)", ".Trash-1000", "svm"):
        for command in COMMANDS:

            def add_folder(root: Path, name: str = name) -> None:
                (root / name / "trials").mkdir(parents=True)
                (root / name / "trials" / "000000.json").write_text("junk")

            yield _case(
                f"{fixture}, foreign",
                f"a folder {name}, {command}",
                experiment,
                command,
                ONLY_ACCEPTED,
                "",
                add_folder,
            )


def _no_experiments() -> Iterator[Case]:
    places = {
        "absent": "nowhere", "empty": "empty", "a file": "file", "a link to itself": "loop",
        "deep": "/".join("d" * 50),
        "with brackets": "res[/b]", "a long name": "n" * 300,
        "a long path": "/".join(["n" * 200] * 30),
        "/dev/null": "/dev/null",
        "/proc": "/proc/self", "a FIFO": "fifo", "empty text": "", "a dot": ".",
        "a NUL's escape": "a%00b",
        "a line feed": "a\nb",
        "an escape": "\x1b[2J", "two experiments": "two",
    }  # fmt: skip

    def arrange(folder: Path) -> None:
        (folder / "empty").mkdir()
        (folder / "file").write_text("x")
        (folder / "loop").symlink_to("loop")
        os.mkfifo(folder / "fifo")
        for name in ("a", "b"):
            (folder / "two" / name).mkdir(parents=True)
            (folder / "two" / name / "experiment.yaml").write_text("# digest: x\n")

    for name, place in places.items():
        for command in ("show", "show --trials", "report", "predict"):
            argv = tuple(place if part == WHERE else part for part in COMMANDS[command])
            yield Case(GROUP, "no experiment", f"{name}, {command}", argv, arrange)
