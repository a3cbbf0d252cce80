"""What single cells say: missing, yes, no, numbers, in the languages and programs that such files
come from."""

import json
import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

_LONGEST = 1_000
"""Characters of an answer; what is longer is text, which may be of any size."""
_SPACES = re.compile(r"[\s_]+")
_PLAIN = re.compile(r"([+-]?\d+)(\.\d*)?", re.ASCII)
_ALL_PLAIN = re.compile(r"[+-]?\d+(\.\d*)?(\n[+-]?\d+(\.\d*)?)*", re.ASCII)
_WHOLE = re.compile(r"([+-]?\d+)\.0+")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘`´ʼ＇", "'"))
# Of no width: where words may break, which way they run.
_INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF])
_SAME = _APOSTROPHES | _INVISIBLE
_AT_THE_END = " .;:,!"
_REMEMBERED = 2**16  # cells: a file has few distinct answers and many columns


def key(text: str) -> str:
    """What two spellings of one answer have in common: case, the coding of accents, kinds of
    apostrophes, spaces, a point at the end and `1.0` for `1` do not matter.

    A long text is only equal to itself.
    """
    if len(text) > _LONGEST:
        return text
    if number := _PLAIN.fullmatch(text):
        return text if (number[2] or ".5").strip(".0") else number[1]
    return _key(text)


@lru_cache(_REMEMBERED)
def _key(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text.translate(_SAME)).casefold()
    spaced = _SPACES.sub(" ", folded).strip()
    whole = _WHOLE.fullmatch(spaced)
    return whole[1] if whole else spaced.rstrip(_AT_THE_END) or spaced


def without_accents(text: str) -> str:
    """The text with its letters alone."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _letters(text: str) -> str:
    """Letters and figures, without accents: what the spellings of a word for missing share."""
    plain = without_accents(text.casefold())
    return "".join(letter for letter in plain if letter.isalnum() or letter == "+")


def _all(*phrases: str) -> frozenset[str]:
    """Letters of phrases that commas part."""
    return frozenset(_letters(one) for many in phrases for one in many.split(","))


_MARKS = frozenset(
    {
        *("", ".", "..", "...", "-", "--", "---", "–", "—", "?", "??", "???", "*"),
        *("._", *(f".{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")),  # Stata, SAS
    }
)
_FORMULA = re.compile(r"#[¡¿]?(n/a( n/a)?|n/d|nv|[^\W\d_]+(/0)?[!?])", re.IGNORECASE)
"""What Excel shows of a formula that went wrong, in any language."""
_OF_PROGRAMS = _all(
    "NA, <NA>, NaN, NaT, null, missing, missing value, system missing, sysmis, blank, no data",
    "skipped, not applicable, non applicable, sans objet, não se aplica, no aplica, não aplicável",
    "no aplicable, manquant, donnée manquante, valeur manquante, dato faltante, sem dados",
    "sem dado, en blanco, em branco",
)
_UNKNOWN = _all(
    "dk, d/k, dnk, dontknow, don't know, do not know, doesn't know, does not know, didn't know",
    "did not know, I don't know, unknown, not known, unk, unsure, not sure, no information",
    "not recorded, not available, unavailable, not stated, not asked, can't say, cannot say",
    "can't remember, don't remember, does not remember, not reported, not documented, no idea",
    "ne sait pas, ne sais pas, je ne sais pas, nsp, inconnu, inconnue, non connu, non connue",
    "non précisé, non précisée, indisponible, non disponible, non renseigné, non renseignée",
    "pas d'information, sans information, ne se souvient pas, ne sait, pas connu, sais pas",
    "não sabe, não sei, não sabem, desconhecido, desconhecida, ignorado, ignorada, não informado",
    "não informada, sem informação, não disponível, não se sabe, não lembra, não se lembra",
    "no sabe, no se sabe, no sé, no lo sé, no sabemos, desconocido, desconocida, se desconoce",
    "sin información, sin dato, sin datos, no especificado, no disponible, no recuerda, lo ignora",
    "no se acuerda, no informado, não especificado, ignora, non spécifié",
    "desconocido/a, desconhecido/a, ignorado/a",
)
_REFUSED = _all(
    "ref, refused, refuse, refuses, refused to answer, refuse to answer, refuses to answer",
    "refused to respond, declined, declined to answer, refusal, prefer not to say, no answer",
    "prefer not to answer, no response, non response, nonresponse, not answered, did not answer",
    "rather not say, don't want to answer, does not want to answer, unwilling to answer",
    "refus, refusé, a refusé, refus de répondre, refuse de répondre, a refusé de répondre",
    "pas de réponse, sans réponse, non réponse, ne répond pas, ne veut pas répondre",
    "n'a pas répondu, préfère ne pas répondre, ne souhaite pas répondre, ne se prononce pas",
    "recusou, recusado, recusa, recusou-se, recusou responder, recusou-se a responder",
    "recusa responder, recusa-se a responder, sem resposta, não respondeu, não responde",
    "não quis responder, não quer responder, prefere não responder, negou-se a responder",
    "rehusó, rehúsa, rehusado, rechazó, rechazado, se negó, se rehusó, se rehúsa, rehusó responder",
    "rehúsa responder, se rehúsa a responder, se rehusó a responder, se negó a responder",
    "se niega a responder, sin respuesta, no responde, no respondió, no contesta, no contestó",
    "no quiso responder, no quiere responder, no quiso contestar, se negó a contestar",
    "prefiere no responder, prefiero no responder, se niega a contestar, rechazó responder",
)
_MISSING = _OF_PROGRAMS | _UNKNOWN | _REFUSED
"""Letters of cells that say nothing wherever they stand. "None" and "nil" are not among them: they
answer many questions."""
SHORT_MISSING = frozenset(
    {
        *("ns", "nr", "ns/nr", "n/s", "n/r", "nd", "n/d", "sd", "s/d", "s/r", "rf", "rd", "nk"),
        *("n/k", "nc", "ns/nc", "n.d", "s.d", "nsa", "nrp", "u", "uk", "ign"),
    }
)
"""Abbreviations that mean missing only among yes and no or among numbers: elsewhere they may be
answers."""

YES = frozenset({"yes", "y", "true", "oui", "vrai", "sim", "sí", "si", "verdadeiro", "verdadero"})
NO = frozenset({"no", "n", "false", "non", "faux", "não", "nao", "falso"})
TICKS = frozenset({"x", "✓", "✔", "☑", "☒", "checked", "ticked", "selected"})
"""What marks a line of a list; the others are left blank."""
SHORT_YES = frozenset({"s", "o"})
"""Sim and sí, oui: yes only beside a no; see `short_yes`."""

_PLAIN_NAME = re.compile(r"(?!null$)[A-Za-z][\w.-]*", re.ASCII | re.IGNORECASE)
_BETWEEN = re.compile(r"[/|,;()]|\b(?:or|and|ou|et|o|y|e)\b")
_CODE_BEFORE = re.compile(r"[-+]?\d+ ?[-.:=)]? ?(?=[^\W\d])")

_MISSING_CODE = re.compile(r"-?[789]")


def is_programs(text: str) -> bool:
    """Whether a cell is what a program writes where it has no value."""
    said = key(text)
    return (
        said in _MARKS or _letters(said) in _OF_PROGRAMS or bool(_FORMULA.fullmatch(text.strip()))
    )


def is_missing(text: str) -> bool:
    """Whether a cell says nothing, wherever it stands: ``9. don't know/refused`` too."""
    return len(text) <= _LONGEST and not _PLAIN.fullmatch(text) and _is_missing(text)


@lru_cache(_REMEMBERED)
def _is_missing(text: str) -> bool:
    said = key(text)
    if is_programs(text) or _letters(said) in _MISSING:
        return True
    answer = _CODE_BEFORE.sub("", said, count=1)
    if answer in SHORT_MISSING and _MISSING_CODE.match(said):
        return True
    parts = [_letters(part) for part in _BETWEEN.split(answer)]
    named = [part for part in parts if part]
    return bool(named) and all(part in _UNKNOWN | _REFUSED for part in named)


def are_plain_numbers(texts: Sequence[str]) -> bool:
    """Whether each text is a decimal number without exponent, and nothing else."""
    one_a_line = "\n".join(texts)
    return one_a_line.count("\n") < len(texts) and bool(_ALL_PLAIN.fullmatch(one_a_line))


def short_yes(answers: Collection[str]) -> frozenset[str]:
    """The letter that means yes among these answers to a question of yes and no: one that stands
    beside a no."""
    found = SHORT_YES.intersection(answers)
    return found if len(found) == 1 and not NO.isdisjoint(answers) else frozenset()


def as_number(text: str) -> float | None:
    """Read a number, infinite ones too; ``None`` for any other text."""
    try:
        # Python's own extension of writing 1_000 would turn identifiers into numbers.
        return None if "_" in text else float(text)
    except ValueError:
        return None


def comma_number(text: str) -> float | None:
    """Read a number that is written with a decimal comma, or whole."""
    return None if "." in text else as_number(text.replace(",", "."))


def has_decimal_commas(texts: Iterable[str]) -> bool:
    """Whether these numbers have decimal commas: not thousands, and not codes with commas between.

    Codes that were chosen together stand in their order: ``1,3``.
    """
    listed = list(texts)
    if not any("," in text for text in listed):
        return False
    parts = [text.split(",") for text in listed]
    fractions = [found for found in parts if len(found) == 2 and comma_number(",".join(found))]
    if not fractions or any(len(found) > 2 or "." in found[0] for found in parts):
        return False
    in_order = all(0 < abs(float(a or 0)) < float(b) for a, b in fractions)
    thousands = all(len(b) == 3 and a.lstrip("+-") not in ("", "0") for a, b in fractions)
    return not in_order and not thousands


def sort_names(names: Iterable[str]) -> tuple[str, ...]:
    """Sort numbers by value if all names are numbers, else as text."""
    listed = list(names)
    numbers = [as_number(name) for name in listed]
    if all(number is not None and math.isfinite(number) for number in numbers):
        return tuple(name for _, name in sorted(zip(numbers, listed, strict=True)))
    return tuple(sorted(listed))


def yaml_name(name: str) -> str:
    """Write a column's name as a list in YAML needs it."""
    return (
        name
        if _PLAIN_NAME.fullmatch(name) and key(name) not in YES | NO
        else json.dumps(name, ensure_ascii=False)
    )
