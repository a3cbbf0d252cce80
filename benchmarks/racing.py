"""How often a race loses the winner, and what it saves, beside the paired rule.

Each grid is fitted exhaustively, once for each seed (other synthetic deaths, other folds); every
rule is then replayed on the recorded fold scores in many random orders of configurations and folds
(see `benchmarks.recorded`).

Usage: python -m benchmarks.racing [--seeds 20] [--orders 25] [--records FOLDER]
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recorded import GRIDS, METRIC, N_FOLDS, PATH, Recorded, print_row, recorded
from tuner_job.search.early_stopping import PairedTest, StoppingRule
from tuner_job.search.racing import race
from tuner_job.search.study import Study
from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration

LAG = 4
Rule = Callable[[int], StoppingRule]
"""Number of batches → a rule."""
RULES: dict[str, Rule] = {
    "paired 0.01": lambda n: PairedTest(0.01, N_FOLDS),
    "paired 0.05": lambda n: PairedTest(0.05, N_FOLDS),
    "paired 0.2": lambda n: PairedTest(0.2, N_FOLDS),
    "race 0.01": lambda n: race(0.01, N_FOLDS, 1, n, LAG),
    "race 0.05": lambda n: race(0.05, N_FOLDS, 1, n, LAG),
    "race 0.2": lambda n: race(0.2, N_FOLDS, 1, n, LAG),
}


class InOrder:
    """Proposes the batches of a recorded grid in a given order."""

    def __init__(self, batches: Sequence[list[Configuration]], order: Sequence[int]):
        self._left = iter([batches[i] for i in order])

    def ask(self) -> list[Configuration] | None:
        """Propose the next one."""
        return next(self._left, None)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Nothing to learn."""


def replay(grid: Recorded, rule: StoppingRule, rng: np.random.Generator) -> tuple[float, float]:
    """Search a recorded grid in random order.

    Returns
    -------
    The best score found, and the share of the exhaustive search's fit seconds that were spent.
    """
    order, folds = rng.permutation(len(grid.batches)), rng.permutation(N_FOLDS)
    tuner = InOrder(grid.batches, list(order))
    study = Study(
        "replay",
        grid.model,
        tuner,
        rule,
        objectives=[METRIC],
        path=PATH,
        n_folds=N_FOLDS,
        lag=LAG,
        max_trials=None,
    )
    seconds = grid.run(study, order, folds)
    assert study.best
    return study.best.scores[0], seconds / float(grid.seconds.sum())


def compare(grids: Sequence[Recorded], n_orders: int, name: str) -> dict[str, Any]:
    """Replay one rule on every seed and order: one row of the table."""
    behind, spent = np.empty((2, len(grids), n_orders))
    for seed, grid in enumerate(grids):
        for order in range(n_orders):
            rule = RULES[name](len(grid.batches))
            found, spent[seed, order] = replay(grid, rule, np.random.default_rng([seed, order]))
            behind[seed, order] = max(
                0.0, grid.best - found
            )  # sums in another order differ in the last bit
    lost = behind > 1e-12
    return {
        "model": grids[0].model,
        "configurations (fits a fold)": f"{grids[0].scores[..., 0].size} ({len(grids[0].batches)})",
        "rule and level": name,
        "winner lost": f"{lost.mean():.3f} ± {lost.mean(axis=1).std(ddof=1) / len(grids) ** 0.5:.3f}",
        "score lost on average, at most": f"{behind.mean():.5f}, {behind.max():.4f}",
        "fit seconds saved": f"{1 - spent.mean():.2f}",
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument(
        "--orders", type=int, default=25, help="of configurations and folds, for each seed"
    )
    parser.add_argument(
        "--records", type=Path, help="where to keep fold scores, and to find them again"
    )
    parser.add_argument("--models", nargs="+", choices=GRIDS, default=list(GRIDS))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for i, model in enumerate(chosen.models):
            grids = [
                recorded(model, seed, chosen.records or Path(name)) for seed in range(chosen.seeds)
            ]
            for j, rule in enumerate(RULES):
                print_row(compare(grids, chosen.orders, rule), heading=i == j == 0)


if __name__ == "__main__":
    main()
