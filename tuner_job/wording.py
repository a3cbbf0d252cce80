"""How values and lists stand in messages: bounded, on one line, without control characters."""

import reprlib
from collections.abc import Iterable

MOST_CHARACTERS = 200
"""Of one value in a message: a cell may hold a narrative, a key may hold a file."""
MOST_ITEMS = 10
"""Of one list in a message."""
MOST_OF_CELL = 40
"""Of one cell of the data."""
_MOST_OF_LINE, _MOST_LINES = 2000, 40

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = MOST_CHARACTERS
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxfrozenset = _SHORT.maxdict = MOST_ITEMS
_SHORT.maxlevel = 3

GLOSSARY = {
    "CSMF": "CSMF: cause-specific mortality fraction, the share of deaths from a cause",
    "CSMF accuracy": "CSMF accuracy: how near the predicted cause fractions of a population are to "
    "the true ones; 1 is exact, 0 the worst possible",
    "COD accuracy": "COD accuracy: the share of deaths whose own cause was found",
    "CCC": "CCC: chance-corrected concordance, how often deaths of a cause are recognised; 0 is "
    "what assigning at random reaches",
    "trial": "trial: one configuration of a model that was evaluated; complete if it ran all "
    "folds, pruned if it was given up before its last fold because it was unlikely to end as the "
    "best, "
    "failed if a fit of it ended in an error",
    "fold": "fold: a part of the deaths that is held out of training, to be predicted by a model "
    "that has not seen them (out-of-fold)",
    "composition": "composition: the cause fractions of a population",
    "bayes": "bayes: the CSMF (cause fractions) that suits all deaths of a population together "
    "best, if causes look as in training, averaged over how far it may differ from training; in "
    "brackets, from how many deaths on more of them count for less each",
    "em": "em, mixture: the CSMF (cause fractions) that suits all deaths of a population together "
    "best, if causes look as in training; in brackets, pseudo-deaths a cause that hold it back, "
    "towards equal fractions or, where it says mean, towards the mean probabilities",
    "optimism": "optimism: how much too high the best score is estimated to be because it is the "
    "best of many",
    "copy-train": "copy-train: the cause fractions of the training rows, whatever the deaths are",
    "solver": "solver: an objective by the name of scikit-learn's solver for it; saga is the "
    "multinomial one, liblinear one cause against all others; OWL-QN minimises both",
}
"""What words of our own mean, to stand where they do."""

STOPS = {
    "finished": "all trials asked for were run",
    "exhausted": "every configuration of the space was tried",
    "timeout": "the time budget ended",
    "max_trials": "the trial budget ended",
    "cpu_seconds": "the budget of fitting seconds ended",
    "unfinished": "it has not ended",
}
"""Why a search ended."""


def shown(value: object, most: int = MOST_CHARACTERS) -> str:
    """Write a value as Python would, in at most `most` characters: terminal escapes and NUL
    become ``\\x..``."""
    try:
        text = repr(value[: most + 1]) if isinstance(value, str) else _SHORT.repr(value)
    except ValueError:  # Python does not write integers of more than 4,300 digits
        text = (
            f"a number of about {int(value.bit_length() * 0.30103):,} digits"
            if isinstance(value, int)
            else "?"
        )
    return text if len(text) <= most else f"{text[: most - 2]} …"


def plain(value: object, most: int = MOST_CHARACTERS) -> str:
    """Write a name or a text of elsewhere without quotation marks, in at most `most` characters
    of one line."""
    text = " ".join(str(value)[: 4 * most].split())
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text if len(text) <= most else f"{text[: most - 2]} …"


def listed(values: Iterable[object], most: int = MOST_ITEMS) -> str:
    """Write names with commas between them, the first `most` and how many there are besides."""
    names = [plain(value, 80) for value in values]
    left = len(names) - most
    return ", ".join(names[:most]) + (f" and {left:,} more" if left > 0 else "")


def place(path: object) -> str:
    """Write a path; of a long one the end, which tells more."""
    text = str(path)
    return (
        plain(text) if len(text) <= MOST_CHARACTERS else f"… {plain(text[2 - MOST_CHARACTERS :])}"
    )


def cell(text: str) -> str:
    """Write a cell of somebody's data: enough to find it by, too little to tell of a death."""
    return plain(text, MOST_OF_CELL)


def printable(message: str) -> str:
    """Write a whole message without control characters, and of bounded length whatever stands in
    it."""
    lines = [line[:_MOST_OF_LINE] for line in message.split("\n")[:_MOST_LINES]]
    return "\n".join(
        "".join(c if c.isprintable() else repr(c)[1:-1] for c in line) for line in lines
    )


def short(value: object) -> str:
    """Write a parameter's value for a person: a number in at most four significant digits."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def counted(n: int, noun: str, plural: str = "") -> str:
    """``1 site``, ``3 sites``; `plural` where it is not the noun with an s."""
    return f"{n:,} {noun if n == 1 else plural or f'{noun}s'}"
