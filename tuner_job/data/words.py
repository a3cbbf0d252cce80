"""What single cells say: missing, yes, no, numbers, in the languages and programs that such files
come from."""

import math
import re
import unicodedata
from collections.abc import Iterable

_LONGEST = 1_000
"""Characters of an answer; what is longer is text, which may be of any size."""
_SPACES = re.compile(r"[\s_]+")
_WHOLE = re.compile(r"([+-]?\d+)\.0+")


def key(text: str) -> str:
    """What two spellings of one answer have in common: case, the coding of accents, kinds of
    apostrophes, spaces and `1.0` for `1` do not matter. A long text is only equal to itself."""
    if len(text) > _LONGEST:
        return text
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("‘", "'")
    spaced = _SPACES.sub(" ", folded).strip()
    whole = _WHOLE.fullmatch(spaced)
    return whole[1] if whole else spaced


# Programs: R, Excel in four languages, SPSS and Stata (system missing and .a to .z), pandas, SQL.
_OF_PROGRAMS = frozenset(
    {
        *("", ".", "..", "-", "--", "---", "?", "??", "na", "n/a", "<na>", "n.a.", "nan", "null"),
        *("#n/a", "#n/d", "#nv", "#value!", "#ref!", "#div/0!", "#null!", "#name?", "#num!"),
        *("#valeur!", "#nom?", "#valor!", "#nome?", "#¡valor!", "#¿nombre?", "missing", "nil"),
        *(f".{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"),
        *("sysmis", "nat", "not applicable", "non applicable", "sans objet"),
        *("não se aplica", "nao se aplica", "no aplica", "não aplicável", "nao aplicavel"),
    }
)
_UNKNOWN = frozenset(
    {
        *("dk", "d/k", "don't know", "dont know", "do not know", "doesn't know", "does not know"),
        *("didn't know", "did not know", "unknown", "not known", "unk", "unsure", "not sure"),
        *("no information", "not recorded", "not available", "not stated", "not asked"),
        *("ne sait pas", "ne sais pas", "nsp", "inconnu", "inconnue", "non connu", "non précisé"),
        *("je ne sais pas", "indisponible", "non renseigné", "non renseignée"),
        *("não sabe", "nao sabe", "não sei", "nao sei", "desconhecido", "desconhecida", "ignorado"),
        *("ignorada", "não informado", "nao informado", "sem informação", "sem informacao"),
        *("no sabe", "no se sabe", "no sé", "no se", "desconocido", "desconocida", "se desconoce"),
        *("sin información", "sin informacion", "sin dato", "sin datos", "no especificado"),
    }
)
_REFUSED = frozenset(
    {
        *("ref", "refused", "refuse", "refused to answer", "refuse to answer", "declined"),
        *("declined to answer", "refusal", "prefer not to say", "prefer not to answer"),
        *("no answer", "no response", "not answered", "rather not say"),
        *("refus de repondre", "a refuse de repondre", "a refuse", "non precise"),
        *("refusé", "refus", "a refusé", "refus de répondre", "refuse de répondre"),
        *("pas de réponse", "sans réponse", "a refusé de répondre"),
        *("recusou", "recusa", "recusou-se", "recusou responder", "recusou-se a responder"),
        *("sem resposta", "não respondeu", "nao respondeu", "não responde", "nao responde"),
        *("rehusó", "rehuso", "rehusa", "rechazó", "rechazo", "se negó", "se rehusó"),
        *("se negó a responder", "sin respuesta", "no responde", "no respondió", "no contesta"),
        *("no contestó", "se niega a responder", "rehusó responder"),
    }
)
_MISSING = _OF_PROGRAMS | _UNKNOWN | _REFUSED
"""Keys of cells that say nothing wherever they stand. "None" is not among them: it is an answer to
many questions."""
SHORT_MISSING = frozenset(
    {"ns", "nr", "ns/nr", "n/s", "n/r", "nd", "n/d", "sd", "s/d", "s/r", "rf", "rd", "nk", "n/k"}
)
"""Abbreviations that mean missing only among yes and no or among numbers: elsewhere they may be
answers."""

YES = frozenset({"yes", "y", "true", "oui", "vrai", "sim", "sí", "si", "verdadeiro", "verdadero"})
NO = frozenset({"no", "n", "false", "non", "faux", "não", "nao", "falso"})
SHORT_YES = frozenset({"s", "o"})
"""Sim and sí, oui: yes only beside a no."""

_BETWEEN = re.compile(r"\s*(?:/|,|;|\bor\b|\bou\b|\bo\b)\s*")


def is_missing(text: str) -> bool:
    """Whether a cell says nothing, wherever it stands: ``don't know/refused`` too."""
    if len(text) > _LONGEST:
        return False
    whole = key(text).strip("()[]<>* ")
    if whole in _MISSING or key(text) in _MISSING:
        return True
    parts = _BETWEEN.split(whole)
    return len(parts) > 1 and all(part in _UNKNOWN | _REFUSED for part in parts)


def as_number(text: str) -> float | None:
    """Read a number, infinite ones too; ``None`` for any other text."""
    try:
        # Python's own extension of writing 1_000 would turn identifiers into numbers.
        return None if "_" in text else float(text)
    except ValueError:
        return None


def sort_names(names: Iterable[str]) -> tuple[str, ...]:
    """Sort numbers by value if all names are numbers, else as text."""
    listed = list(names)
    numbers = [as_number(name) for name in listed]
    if all(number is not None and math.isfinite(number) for number in numbers):
        return tuple(name for _, name in sorted(zip(numbers, listed, strict=True)))
    return tuple(sorted(listed))
