"""Measure va-tuning beside its peers: ``python -m benchmarks.peers [DATA] [--quick] [--seeds N]
[--minutes 1 2 5 10]``.

Prints Markdown tables and writes them to ``OUTPUT/peers.md``. What has been run is kept in OUTPUT
and not run again, so that a measurement of hours can be interrupted.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.peers import contest, nested, same_grid
from benchmarks.tables import fill
from tuner_job import __version__

FLAML_PYTHON = Path(".venv-peers/bin/python")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.peers", description=__doc__)
    parser.add_argument("data", nargs="?", help="raw PHMRC file; without it synthetic deaths")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="tiny grids and seconds of budget, to see that it works",
    )
    parser.add_argument("--seeds", type=int, help="how many, 5 by default")
    parser.add_argument(
        "--minutes", type=float, nargs="+", help="budgets of the nested table, 1 2 5 10 by default"
    )
    parser.add_argument(
        "--metric", choices=("csmf_accuracy", "cod_accuracy"), default="csmf_accuracy"
    )
    parser.add_argument("--tables", choices=tuple(TABLES), nargs="+", default=list(TABLES))
    parser.add_argument(
        "--searches",
        choices=nested.SEARCHES,
        nargs="+",
        default=nested.SEARCHES,
        help="of the nested table",
    )
    parser.add_argument("--output", type=Path, default=Path("peers-benchmark"))
    parser.add_argument("--flaml-python", default=str(FLAML_PYTHON), help="Python that has FLAML")
    parser.add_argument(
        "--page", type=Path, nargs="*", default=[], help="pages to put the tables into"
    )
    options = parser.parse_args(arguments)
    options.seeds = options.seeds or (1 if options.quick else 5)
    options.minutes = sorted(options.minutes or ([0.2, 0.4] if options.quick else [1, 2, 5, 10]))
    if options.quick:
        options.output /= "quick"
    return options


def grid(options: argparse.Namespace) -> str:
    """Time for the same configurations."""
    cases = same_grid.QUICK if options.quick else same_grid.CASES
    data = str(Path(options.data).resolve()) if options.data else None
    seeds = range(1, options.seeds + 1)
    return same_grid.time_table(cases, data, seeds, options.output, options.flaml_python)


def held_out(options: argparse.Namespace) -> str:
    """Table B."""
    data = str(Path(options.data).resolve()) if options.data else _generated(options)
    seeds = range(1, options.seeds + 1)
    searches = [name for name in nested.SEARCHES if name in {contest.OURS, *options.searches}]
    return nested.nested_table(
        searches, data, options.metric, seeds, options.minutes, options.output, options.flaml_python
    )


TABLES: dict[str, Callable[[argparse.Namespace], str]] = {"grid": grid, "nested": held_out}


def title(table: str, options: argparse.Namespace) -> tuple[str, str]:
    """Return the name of a table's place in a page, and the title that it has there."""
    if table == "grid":
        return "peers-grid", "The same configurations, on 2 cores"
    how = f"a core a search, {options.metric}"
    if options.data:
        return "peers-nested", f"A third of the deaths held out, {how}"
    return "peers-nested-generated", f"{_generated(options).held_out:,} deaths held out, {how}"


def _generated(options: argparse.Namespace) -> nested.Deaths:
    return nested.QUICK if options.quick else nested.SYNTHETIC


def main() -> None:
    """Print the tables."""
    options = parse()
    if "nested" in options.tables and not Path(options.flaml_python).exists():
        sys.exit(f"{options.flaml_python}: is not there; `make bench-peers` installs FLAML")
    options.output = options.output.resolve()
    options.flaml_python = str(Path(options.flaml_python).absolute())
    blocks = {}
    for name in options.tables:
        place, heading = title(name, options)
        blocks[place] = f"### {heading} (version {__version__})\n\n{TABLES[name](options)}\n"
        print(blocks[place], flush=True)
    (options.output / "peers.md").write_text("\n".join(blocks.values()), encoding="utf-8")
    for page in options.page:
        fill(page, blocks)


if __name__ == "__main__":
    main()
