"""What `free_knowledge` is worth: the best score found with it and without, after equal trials and
equal seconds.

A second table has it with other levels of early stopping.

TPE searches grids that were fitted exhaustively (see `benchmarks.recorded`), so that many searches
cost no fit: for each seed of deaths and folds, several seeds of the sampler. Seconds are those of
fitting and of scoring; assessing a trial as a whole, where several CSMF estimators are tried, comes
on top of each free value.

Usage: python -m benchmarks.free_knowledge [--seeds 20] [--samplers 5] [--records FOLDER] [--data
FILE --format phmrc]
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.recorded import GRIDS, METRIC, N_FOLDS, PATH, Recorded, print_row, recorded, space
from tuner_job.search.early_stopping import PairedTest
from tuner_job.search.samplers.free import passed_through
from tuner_job.search.samplers.optuna import OptunaTuner, make_sampler
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldTask
from tuner_job.search_space import Configuration

LAG, ASKED, LONGEST = 4, (10, 20), 40
"""Searches go on to the last of them: what saves seconds tries more in the same time."""
LEVELS = (0.01, 0.05, 0.2)
"""Of the paired test; the first one is that of the first table, and what the others are compared
with."""


class Moment(NamedTuple):
    """A search after one task: seconds spent, trials asked and finished, how far the best is
    behind the winner."""

    seconds: float
    asked: int
    behind: float


Searches = list[list[list[Moment]]]
"""(n_seeds, n_samplers)."""


def search(grid: Recorded, seed: int, free: bool, level: float) -> list[Moment]:
    """Replay one search."""
    own = space(grid.model)
    numbers = {_rest(batch[0]): number for number, batch in enumerate(grid.batches)}
    study = Study(
        "replay", grid.model, OptunaTuner(own, make_sampler("tpe", seed), 1), PairedTest(level, N_FOLDS),
        objectives=[METRIC], path=PATH, n_folds=N_FOLDS, lag=LAG, max_trials=LONGEST,
        contained=partial(passed_through, own, PATH) if free else None,
    )  # fmt: skip
    seconds, moments = 0.0, list[Moment]()
    while task := study.next_task():
        assert isinstance(task, FoldTask)
        seconds += grid.tell(study, task, numbers[_rest(task.params)], task.fold)
        seconds += grid.scoring * len(task.wanted)
        moments.append(_moment(grid, study, seconds))
    return [*moments, _moment(grid, study, seconds)]  # configurations asked again take no task


def search_all(grids: Sequence[Recorded], n_samplers: int, free: bool, level: float) -> Searches:
    """Replay a search with each seed of the deaths and of the sampler."""
    return [
        [search(grid, 100 * k + j, free, level) for j in range(n_samplers)]
        for k, grid in enumerate(grids)
    ]


def _moment(grid: Recorded, study: Study, seconds: float) -> Moment:
    best = study.best.scores[0] if study.best else 0.0
    return Moment(seconds, study.counts.total(), grid.best - best)


def _rest(params: Configuration) -> str:
    return repr(sorted((name, value) for name, value in params.items() if name != PATH))


def after(moments: Sequence[Moment], asked: int) -> Moment:
    """Return the first moment at which so many trials were finished."""
    return next(moment for moment in moments if moment.asked >= asked)


def at(moments: Sequence[Moment], seconds: float) -> Moment:
    """Return the last moment within so many seconds."""
    return [moment for moment in moments if moment.seconds <= seconds][-1]


Pair = tuple[list[Moment], list[Moment]]
"""A search without and one with."""


def row(model: str, pairs: Sequence[Sequence[Pair]], asked: int) -> dict[str, Any]:
    """Compare searches, (n_seeds, n_samplers), after so many trials: one row of the table."""
    ends = [
        [(after(plain, asked), after(free, asked), free) for plain, free in own] for own in pairs
    ]
    without, with_it, equal, cost = np.array(
        [
            [
                (a.behind, b.behind, at(free, a.seconds).behind, b.seconds / a.seconds)
                for a, b, free in own
            ]
            for own in ends
        ]
    ).transpose(2, 0, 1)
    return {
        "model": model,
        "asked": asked,
        "behind the grid's winner: without": f"{without.mean():.4f}",
        "with": f"{with_it.mean():.4f}",
        "gain": _paired(without - with_it),
        "seconds, with / without": f"{cost.mean():.2f}",
        "gain at equal seconds": _paired(without - equal),
        "better, worse": f"{(with_it < without).mean():.2f}, {(with_it > without).mean():.2f}",
    }


def level_row(model: str, searches: Mapping[float, Searches], asked: int) -> dict[str, Any]:
    """Compare levels after the seconds that the first one took for so many trials: one row of
    the second table."""
    first = [[after(moments, asked).seconds for moments in own] for own in searches[LEVELS[0]]]

    def cell(own: Searches) -> str:
        pairs = [
            pair
            for found, limits in zip(own, first, strict=True)
            for pair in zip(found, limits, strict=True)
        ]
        behind = np.mean([at(moments, limit).behind for moments, limit in pairs])
        cost = np.mean([after(moments, asked).seconds / limit for moments, limit in pairs])
        return f"{behind:.4f} ({cost:.2f})"

    return {
        "model": model,
        "asked": asked,
        **{f"paired {level:g}": cell(own) for level, own in searches.items()},
    }


def _paired(gains: Any) -> str:
    """Mean and its standard error over seeds of the data, or of the sampler where there is one."""
    means = gains.mean(axis=1) if len(gains) > 1 else gains[0]
    return f"{means.mean():+.4f} ± {means.std(ddof=1) / len(means) ** 0.5:.4f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument(
        "--samplers", type=int, default=5, help="seeds of the sampler, for each seed"
    )
    parser.add_argument(
        "--records", type=Path, help="where to keep fold scores, and to find them again"
    )
    parser.add_argument("--data", help="coded deaths instead of synthetic ones")
    parser.add_argument("--format", default="phmrc", help="how --data is coded")
    parser.add_argument("--models", nargs="+", choices=GRIDS, default=list(GRIDS))
    chosen = parser.parse_args()
    data = {"source": chosen.data, "format": chosen.format} if chosen.data else None
    worth, levels = [], []
    with tempfile.TemporaryDirectory() as name:
        for model in chosen.models:
            grids = [
                recorded(model, seed, chosen.records or Path(name), data)
                for seed in range(chosen.seeds)
            ]
            plain = search_all(grids, chosen.samplers, free=False, level=LEVELS[0])
            free = {
                level: search_all(grids, chosen.samplers, free=True, level=level)
                for level in LEVELS
            }
            pairs = [
                list(zip(*own, strict=True)) for own in zip(plain, free[LEVELS[0]], strict=True)
            ]
            worth += [row(model, pairs, asked) for asked in ASKED]
            levels += [level_row(model, free, asked) for asked in ASKED]
    for table in (worth, levels):
        for i, each in enumerate(table):
            print_row(each, heading=i == 0)
        print()


if __name__ == "__main__":
    main()
