"""What is said of how a file was read, one sentence each; no cell of a column that was left out."""

from collections.abc import Mapping, Sequence

from tuner_job.data.codebook import FEWEST_DEATHS, Codebook, Variable
from tuner_job.data.columns import Table
from tuner_job.data.doubts import doubt_notes
from tuner_job.data.identity import is_place
from tuner_job.data.infer import ONLY_YES
from tuner_job.data.instruments.openva import looks_like_openva
from tuner_job.data.instruments.phmrc import has_questions
from tuner_job.data.instruments.who_names import has_items
from tuner_job.data.words import (
    NO,
    YES,
    as_number,
    comma_number,
    is_missing,
    is_programs,
    key,
    yaml_name,
)
from tuner_job.wording import cell, counted, listed, plain

_SHOWN = 5
_MOST_REASONS = 12


def codebook_notes(table: Table, codebook: Codebook) -> list[str]:
    """Say which columns of the training file were left out, and which cells were not read."""
    notes = [
        _left_out(codebook),
        _only_yes(table, codebook),
        _words_among_numbers(table, codebook),
        _rare_choices(codebook),
        _places(codebook),
        *doubt_notes(codebook),
    ]
    return [note for note in notes if note]


def instrument_notes(table: Table) -> list[str]:
    """Say of a file that is read as any table which questionnaire it seems to hold."""
    looks = {"who": ("WHO", has_items), "phmrc": ("PHMRC", has_questions)}
    return [
        f"The columns have names of the {who} questionnaire, and are read as those of any table: "
        f"data.format: {name} knows their codes, and which of them are no symptoms."
        for name, (who, has) in looks.items()
        if has(table.columns)
    ]


def openva_hint(table: Table, codebook: Codebook) -> str:
    """Say how to read columns that hold yes or nothing."""
    names = codebook.left_out().get(ONLY_YES, [])
    if looks_like_openva(table):
        return (
            "; if Y, blank and '.' are openVA's present, absent and missing, set data.format: "
            "openva"
        )
    answer = next(iter(table.columns[names[0]].counts()))
    tick = f"yes: [{yaml_name(answer)}], " if key(answer) not in YES | NO | {"1"} else ""
    return (
        "; where blank means no, say so: data.columns: "
        f"{{{yaml_name(names[0])}: {{{tick}no: ['']}}}} for {listed(names, _SHOWN)}"
    )


def _left_out(codebook: Codebook) -> str:
    reasons = sorted(codebook.left_out().items(), key=lambda one: -len(one[1]))
    if not reasons:
        return ""
    parts = [f"{reason} ({listed(names, _SHOWN)})" for reason, names in reasons[:_MOST_REASONS]]
    more = len(reasons) - _MOST_REASONS
    total = sum(len(names) for _, names in reasons)
    return (
        f"Left out {counted(total, 'column')}: {'; '.join(parts)}"
        f"{f'; and {more} more reasons' if more > 0 else ''}."
    )


def _only_yes(table: Table, codebook: Codebook) -> str:
    names = codebook.left_out().get(ONLY_YES, [])
    if not names:
        return ""
    n = counted(len(names), "column")
    return f"In {n} an answer is yes or blank{openva_hint(table, codebook)}."


def _words_among_numbers(table: Table, codebook: Codebook) -> str:
    """Name what is no number in columns of numbers, with counts: words that mean missing, too."""
    found = []
    for variable in codebook.used:
        column = table.columns[variable.name]
        all_read = not variable.n_unread and variable.n_filled == column.n_filled
        if variable.kind != "number" or all_read:
            continue
        counts = column.counts()
        read = comma_number if variable.decimal_comma else as_number
        words = {text: n for text, n in counts.items() if read(key(text)) is None}
        words = {text: n for text, n in words.items() if not is_programs(text)}
        if words:
            found.append(f"{plain(variable.name, 60)} ({_counted_words(words)})")
    if not found:
        return ""
    holds = "holds" if len(found) == 1 else "hold"
    return (
        f"{counted(len(found), 'column')} of numbers {holds} words, which are read as missing: "
        f"{'; '.join(found[:_SHOWN])}{_more(found)}."
    )


def _counted_words(words: Mapping[str, int]) -> str:
    """Name words with their rows; one of few deaths that does not mean missing may tell who died,
    and is counted alone."""
    told = [text for text, n in words.items() if n >= FEWEST_DEATHS or is_missing(text)]
    most = sorted(told, key=lambda text: (-words[text], text))
    parts = [f"{cell(text)} in {counted(words[text], 'row')}" for text in most[:3]]
    others = sum(words.values()) - sum(words[text] for text in most[:3])
    if others:
        parts.append(f"{'others' if parts else 'words'} in {counted(others, 'row')}")
    return ", ".join(parts)


def _rare_choices(codebook: Codebook) -> str:
    found = [one for one in codebook.used if one.kind in ("choice", "yes_no") and one.n_unread]
    if not found:
        return ""
    return (
        f"In {counted(len(found), 'column')}, answers of fewer than {FEWEST_DEATHS} deaths are "
        f"read as none of the others: {_with_rows(found)}."
    )


def _places(codebook: Codebook) -> str:
    """Name features that may tell where somebody died: a model learns which cause is frequent
    there, which helps nowhere else."""
    found = [one.name for one in codebook.used if one.kind != "yes_no" and is_place(one.name)]
    if not found:
        return ""
    site = "" if codebook.named("site") else f"set data.site: {yaml_name(found[0])}, or "
    return (
        f"{counted(len(found), 'column')} may tell where somebody died, and "
        f"{'is' if len(found) == 1 else 'are'} read as any other: {listed(found, _SHOWN)}. If so, "
        f"{site}leave {'it' if len(found) == 1 else 'them'} out with data.drop: "
        f"[{', '.join(map(yaml_name, found[:_SHOWN]))}]."
    )


def _with_rows(variables: Sequence[Variable]) -> str:
    named = [f"{plain(one.name, 60)} ({counted(one.n_unread, 'row')})" for one in variables]
    return f"{', '.join(named[:_SHOWN])}{_more(named)}"


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
