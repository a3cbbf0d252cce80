"""Whether a run behaved: its exit code, its one message, and what it left behind."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path

from tests.reliability.case import ACCEPTED, INTERRUPTED, REFUSED, RUN_ERROR, Case, Outcome

MOST_CHARACTERS, MOST_IN_A_LINE = 4_000, 400
MOST_BYTES = 2 * 2**30
_BY_CODE = {0: ACCEPTED, 1: RUN_ERROR, 2: REFUSED, 130: INTERRUPTED}
_CRASH = re.compile(
    r"Traceback \(most recent|Exception ignored|panicked at|Fatal Python error|core dumped|C\+\+ "
    r"stack"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
Listing = Mapping[str, str]


def verdict_of(outcome: Outcome) -> str:
    """Name what came of a run, or in which way it ended as none may."""
    if outcome.hung:
        return "hang"
    if _CRASH.search(outcome.said):
        return "traceback"
    return _BY_CODE.get(outcome.code, f"exit {outcome.code}")


def failures(
    case: Case, outcome: Outcome, before: Listing, after: Listing, folder: Path
) -> Iterator[str]:
    """Say everything that does not hold of one run."""
    verdict = verdict_of(outcome)
    if verdict not in case.allowed:
        yield f"{verdict}, where {' or '.join(sorted(case.allowed))} is right: {_tail(outcome)}"
    elif verdict in (REFUSED, RUN_ERROR, INTERRUPTED):
        yield from _of_message(case, outcome.err)
    yield from _of_text(outcome.said)
    yield from _of_changes(case, verdict, before, after)
    yield from _of_secrets(case, outcome, before, after, folder)
    if outcome.peak_bytes > MOST_BYTES:
        yield f"took {outcome.peak_bytes / 2**30:.1f} GiB"
    if verdict in case.allowed:
        yield from case.check(folder, outcome)


def _of_message(case: Case, err: str) -> Iterator[str]:
    lines = err.splitlines()
    begun = [line for line in lines if line.startswith("va-tuning: ")]
    if len(begun) != 1:
        yield f"{len(begun)} messages that begin with `va-tuning: `, where one must: {err[:300]!r}"
    elif strange := [
        x for x in lines if not x.startswith(("va-tuning: ", "  ", "note: ")) and x.strip()
    ]:
        yield f"more than the message: {strange[0][:200]!r}"
    if len(err) > MOST_CHARACTERS:
        yield f"a message of {len(err):,} characters"
    if longest := max(map(len, lines), default=0) > MOST_IN_A_LINE and max(map(len, lines)):
        yield f"a line of {longest:,} characters: {max(lines, key=len)[:120]!r}"
    for name in case.names:
        if not any(part in err for part in name.split("|")):
            yield f"the message does not name {name}: {err[:300]!r}"


def _of_text(said: str) -> Iterator[str]:
    if found := _CONTROL.search(said):
        around = said[max(0, found.start() - 30) : found.end() + 30]
        yield f"a control character in the output: {around!r}"


def _of_changes(case: Case, verdict: str, before: Listing, after: Listing) -> Iterator[str]:
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    allowed = case.creates if verdict in (ACCEPTED, RUN_ERROR, INTERRUPTED) else ()
    left = sorted(
        path for path in changed if not any(fnmatch(path, pattern) for pattern in allowed)
    )
    if left:
        yield f"{verdict}, but made or changed {', '.join(left[:5])}"


def _of_secrets(
    case: Case, outcome: Outcome, before: Listing, after: Listing, folder: Path
) -> Iterator[str]:
    made = [folder / path for path in after if before.get(path) != after[path]]
    for secret in case.secrets:
        if secret in outcome.said:
            yield f"the output holds the secret {secret}: {_around(outcome.said, secret)}"
        for path in made:
            if path.is_file() and secret.encode() in path.read_bytes():
                yield f"{path.relative_to(folder)} holds the secret {secret}"


def _around(text: str, part: str) -> str:
    at = text.index(part)
    return repr(text[max(0, at - 80) : at + 80])


def _tail(outcome: Outcome) -> str:
    """The last lines of what was said."""
    lines = [line for line in outcome.said.splitlines() if line.strip()]
    return repr(" / ".join(lines[-3:])[-400:])


def listing(folder: Path) -> dict[str, str]:
    """Path → kind and content of everything below a folder; nothing but plain files is opened."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file():
            found[name] = (
                sha256(path.read_bytes()).hexdigest() if path.stat().st_size < 2**24 else "large"
            )
        else:
            found[name] = "folder" if path.is_dir() else "special"
    return found
