"""How columns were read, in words for people."""

from collections.abc import Sequence

from tuner_job.records import VariableRecord
from tuner_job.wording import cell, counted, listed

_ROLES = {"label": "the cause of death", "site": "the site", "identifier": "the identifier"}


def by_doubt(variables: Sequence[VariableRecord]) -> list[VariableRecord]:
    """Order columns: those that a user should look at first, those left out last."""
    return sorted(variables, key=lambda one: (-_doubt(one), one.role == "left_out"))


def _doubt(variable: VariableRecord) -> float:
    if variable.role != "feature":
        return 0.0
    return len(variable.doubts) + variable.n_unread / max(1, variable.n_filled)


def meaning(variable: VariableRecord) -> str:
    """Say what a column is read as."""
    match variable.role, variable.kind:
        case "left_out", _:
            return f"left out: {variable.reason}"
        case "feature", "yes_no":
            return "yes or no"
        case "feature", "choice":
            return f"one of {listed(map(cell, variable.choices), 5)}"
        case "feature", _:
            low, high = variable.low, variable.high
            ends = f" from {low:g} to {high:g}" if low is not None and high is not None else ""
            return f"a number{ends}{f' ({variable.unit})' if variable.unit else ''}"
        case role, _:
            return _ROLES[role]


def remarks(variable: VariableRecord) -> str:
    """Say what of a column deserves a look."""
    found = list(variable.doubts)
    if variable.role == "feature":
        if variable.n_unread:
            found.append(f"not read: {counted(variable.n_unread, 'row')}")
        if variable.blank == "no":
            found.append("blank is no")
        for means in ("missing", "yes", "no"):
            if stated := getattr(variable, means):
                found.append(f"{means}: {listed(map(cell, stated), 5)}")
    return "; ".join(found)
