"""Which item of the WHO questionnaire a column of an export holds."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tuner_job.data.instruments.who_items import AGE_HELPERS, AGE_ITEMS, SAME_SELECT, SELECTS

# Groups stand before an item, with - (Briefcase, Central), / (KoBo), . (R) or : or _ between.
_ITEM = re.compile(r"(?:.*[^a-z0-9])?id(10\d{3})(.*)")
_SUFFIX = re.compile(r"(?:[a-z]|_[a-z0-9]+)?")
_SEPARATORS = "/.:_-"
_AGES: Final = {name.casefold(): name for name in (*AGE_ITEMS, *AGE_HELPERS)}
_ANY_AGE = "|".join(sorted(_AGES, key=len, reverse=True))
_AGE = re.compile(rf"(?:.*[^a-z0-9])?({_ANY_AGE})")
# A header of labels has the item's name in brackets: (Id10147) Did (s)he have a fever?
_LABEL = re.compile(rf".*\((id10\d{{3}}\w*|{_ANY_AGE})\).*")
_NO_OPTION = ("none", "no", "none_of_the_above", "dk", "ref")
UNKNOWN_OPTIONS = frozenset({"dk", "ref"})


@dataclass(frozen=True)
class Item:
    """An item, and where the column is one answer of a select-multiple, that answer."""

    name: str
    option: str = ""

    @property
    def column(self) -> str:
        """Its name in the prepared table."""
        return f"{self.name}/{self.option}" if self.option else self.name


def item_of(name: str) -> Item | None:
    """The item that a column holds; ``None`` if it is no item of the questionnaire."""
    folded = _LABEL.sub(r"\1", name.casefold())
    if found := _AGE.fullmatch(folded):
        return Item(_AGES[found[1]])
    found = _ITEM.fullmatch(folded)
    if not found:
        return None
    item, rest = f"Id{found[1]}", found[2]
    if item in SELECTS and (answer := _answer(item, rest)):
        return Item(item, answer)
    return Item(item + rest) if _SUFFIX.fullmatch(rest) else None


def _answer(item: str, rest: str) -> str | None:
    for same in SAME_SELECT:
        rest = rest.removeprefix(same.removeprefix(item)) if same.startswith(item) else rest
    if not rest or rest[0] not in _SEPARATORS:
        return None
    options = {option.casefold(): option for option in (*SELECTS[item], *_NO_OPTION)}
    return options.get(rest[1:])


def has_items(names: Iterable[str]) -> bool:
    """Whether any column is an item with a number."""
    items = (item_of(name) for name in names)
    return any(item is not None and item.name.startswith("Id") for item in items)
