"""Small training files, and new deaths that are read by their codebooks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tests.unit.data.files import load
from tuner_job.data import DataConfig, VaDataset
from tuner_job.data.new_rows import NewDeaths, read_new

CAUSES = ("Malaria", "Pneumonia", "Stroke")
Answers = Mapping[str, Callable[[np.random.Generator], object]]


def one_of(*answers: object) -> Callable[[np.random.Generator], object]:
    """A question with these answers, equally likely."""
    return lambda rng: answers[rng.integers(len(answers))]


def whole(low: int, high: int) -> Callable[[np.random.Generator], object]:
    """A whole number of these and those between."""
    return lambda rng: int(rng.integers(low, high + 1))


def sheet(answers: Answers, n: int = 120, causes: Sequence[str] = CAUSES, seed: int = 0) -> str:
    """A table of `n` deaths whose causes have nothing to do with their answers."""
    rng = np.random.default_rng(seed)
    lines = [",".join(["cause", *map(quoted, answers)])]
    for _ in range(n):
        cause = causes[int(rng.integers(len(causes)))]
        lines.append(",".join([cause, *(quoted(str(draw(rng))) for draw in answers.values())]))
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A cell, in quotation marks where it needs them."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text


def train(text: str, **config: Any) -> VaDataset:
    """A data set whose `label` is cause, unless a format knows better."""
    return load(text, **({} if "format" in config else {"label": "cause"}) | config)


def read_by(data: VaDataset, text: str, **config: Any) -> tuple[NewDeaths, list[str]]:
    """New deaths, read by the codebook of a training file, and what is said of them."""
    notes: list[str] = []
    stated = ({} if "format" in config else {"label": "cause"}) | config
    section = DataConfig(**{"source": "new.csv", **stated})
    deaths = read_new(section, data.codebook, data.causes, lambda _: text.encode(), notes.append)
    return deaths, notes
