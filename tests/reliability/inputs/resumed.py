"""Damaged results, gone on with by tune: the same trials and the same model in the end, nothing
else touched."""

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from tests.reliability import process
from tests.reliability.case import ONLY_ACCEPTED, REFUSED_OR_ACCEPTED, Case, Outcome
from tests.reliability.damage import Damage, of_kind
from tests.reliability.inputs.results_folders import COMMANDS, MODEL, answer, objects
from tests.reliability.samples import STORED, current, put_stored

GROUP = "results resumed"
KEPT = STORED.parent / "0.3.0"
"""The oldest version whose random search has the same trials still."""
NEWEST = STORED.parent / "0.5.0"
"""The version whose trials a search that begins now has still."""
_TUNE = ("tune", "experiment.yaml", "--results", "results", "--workers", "1")
_FEW = (
    "absent",
    "empty",
    "cut to a half",
    "a byte flipped",
    "foreign JSON",
    "values null",
    "a folder",
)
_ADDED = {
    f"{MODEL}/trials/000001 (conflicted copy).json": f"{MODEL}/trials/000001.json",
    f"{MODEL}/trials/.DS_Store": f"{MODEL}/oof/default.npz",
    f"{MODEL}/trials/000099.json": f"{MODEL}/trials/000001.json",
    f"{MODEL}/oof/._000001.npz": "experiment.yaml",
}


def cases() -> Iterator[Case]:
    """Yield the cases; each may start Ray, so they are few."""
    yield _case("stopped", "intact", KEPT / "stopped", "", lambda path: None, ONLY_ACCEPTED)
    for target in (f"{MODEL}/trials/000001.json", f"{MODEL}/oof/default.npz"):
        for name in ("empty", "cut to a half", "values null", "other shape"):
            if action := of_kind(KEPT / "stopped" / target).get(name):
                yield _case(
                    "stopped", f"{target} {name}", KEPT / "stopped", target, action, ONLY_ACCEPTED
                )
    for fixture, experiment in {"0.3.0": KEPT / "finished", "now": current()}.items():
        for number, target in enumerate(objects(experiment)):
            damages = of_kind(experiment / target)
            names = [name for name in _FEW if name in damages]
            if fixture == "now":
                names = [names[number % len(names)], "empty"]
            for name in dict.fromkeys(names):
                allowed = (
                    ONLY_ACCEPTED
                    if "/trials/" in target or "/oof/" in target
                    else REFUSED_OR_ACCEPTED
                )
                yield _case(fixture, f"{target} {name}", experiment, target, damages[name], allowed)
        for added, copied in _ADDED.items():

            def add(root: Path, added: str = added, copied: str = copied) -> None:
                (root / added).write_bytes((root / copied).read_bytes())

            yield _case(fixture, f"{added} added", experiment, "", add, ONLY_ACCEPTED)


def _case(
    kind: str, name: str, experiment: Path, target: str, damage: Damage, allowed: frozenset[str]
) -> Case:
    def arrange(folder: Path) -> None:
        damage(put_stored(folder, experiment) / target)

    names = (Path(target).name,) if target else ()
    check = partial(_as_undisturbed, kind)
    made = ("results/*",)
    return Case(
        GROUP,
        kind,
        name,
        _TUNE,
        arrange,
        allowed,
        names,
        creates=made,
        ray=True,
        check=check,
        seconds=90,
    )


def _as_undisturbed(kind: str, folder: Path, outcome: Outcome) -> Iterator[str]:
    """After a tune that was accepted, the trials are those of the undisturbed search, and its
    model is there."""
    if outcome.code != 0:
        return
    said = {}
    for command in ("show --trials", "predict"):
        said[command], problem = _answer_to(command, folder)
        if problem:
            yield f"afterwards {command} says {problem!r}"
            return
    rows = [line for line in said["show --trials"].splitlines() if line.startswith(MODEL)]
    begun = NEWEST if kind == "now" else KEPT
    expected = [
        line for line in (begun / "trials.csv").read_text().splitlines() if line.startswith(MODEL)
    ]
    if rows != expected:
        others = str(set(rows) ^ set(expected))[:500]
        yield f"the trials are others than those of the undisturbed search: {others}"
    if said["predict"] != _undisturbed_predictions(begun):
        yield "the committed model predicts otherwise than that of the undisturbed search"


def _answer_to(command: str, folder: Path) -> tuple[str, str]:
    """What a command says of the results in a folder, and what it says if it fails."""
    with process.scratch() as place:
        after = process.run(Case(GROUP, "after", command, COMMANDS[command]), folder, place)
    return ("", after.err[-300:]) if after.code else (answer(folder, command, after), "")


@cache
def _undisturbed_predictions(begun: Path) -> str:
    """Predictions for the same deaths by the model as a version stored it."""
    with process.scratch() as folder:
        put_stored(folder, begun / "finished")
        said, problem = _answer_to("predict", folder)
    assert not problem, problem
    return said
