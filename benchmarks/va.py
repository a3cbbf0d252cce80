"""Default against tuned under every protocol, nested: what tuning for the right target brings.

``python -m benchmarks.va [DATA] [--output DIR] [--trials N]``: a raw PHMRC file, or any table that
`run-distributed-comparison` takes; without DATA, synthetic deaths. ``--from DIR`` draws up the
tables of a comparison that has been run, and ``--page FILE`` puts them into a page, between ``<!--
begin NAME -->`` and ``<!-- end NAME -->``.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from benchmarks.tables import fill, markdown
from tuner_job import ExperimentResult, Store, TunedModelCache
from tuner_job.comparison.store import ComparisonStore
from tuner_job.data import DataConfig, load_dataset
from tuner_job.models import MODELS
from tuner_job.results.store import read_bytes

SPACES = Path(__file__).parent / "spaces"
PROTOCOLS = {
    ("cross_validation", "natural"): "same population",
    ("cross_validation", "dirichlet"): "other compositions",
    ("leave_one_site_out", "natural"): "unseen site",
    ("leave_one_site_out", "dirichlet"): "unseen site, other compositions",
}
"""(experiment type, composition) → what it asks."""
PUBLISHED = (
    ("drawn compositions", "Tariff 2.0, adult, without / with HCE", ".717 / .770",
     "Flaxman et al. 2018"),
    ("", "Tariff 2.0, child, without / with HCE", ".744 / .783", "Flaxman et al. 2018"),
    ("", "Tariff 2.0, neonate, without / with HCE", ".813 / .827", "Flaxman et al. 2018"),
    ("", "InSilicoVA, adult, without / with HCE", ".640 / .683", "Flaxman et al. 2018"),
    ("", "InSilicoVA, child", ".714", "Flaxman et al. 2018"),
    ("", "Tariff, SSP, random forest, adult", ".764 – .770", "Murray et al. 2014"),
    ("", "InterVA-4, adult", ".625", "Murray et al. 2014"),
    ("", "physicians, adult", ".680", "Murray et al. 2014"),
    ("as the paper tests", "expert algorithms, child / neonate", ".76 / .80", "Kalter et al. 2016"),
    ("leave one site out", "InSilicoVA, adult", ".60 – .61", "McCormick et al. 2016, table 3"),
    ("", "King-Lu, adult", ".60", "McCormick et al. 2016, table 3"),
    ("", "Tariff, adult", ".58", "McCormick et al. 2016, table 3"),
    ("", "InterVA, adult", ".56", "McCormick et al. 2016, table 3"),
    ("all sites in training", "InSilicoVA, adult", ".70", "McCormick et al. 2016, table 3"),
    ("Andhra Pradesh, from other sites", "NBC / InSilicoVA / Tariff / InterVA",
     ".77 / .74 / .68 / .53", "openVA, R Journal 2023 (second hand)"),
    ("CHAMPS, not PHMRC", "GPT-4o on narratives, child", ".36", "second hand"),
)  # fmt: skip
"""Tested on, method, CSMF accuracy, source: other splits and other deaths, for orientation."""


def main() -> None:
    """Run the comparison, unless one is given, and write its tables and figure."""
    parser = argparse.ArgumentParser("python -m benchmarks.va", description=__doc__)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--output", type=Path, default=Path("va-benchmark"))
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--from", dest="finished", type=Path)
    parser.add_argument("--page", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    place = options.finished or options.output
    if not options.finished:
        with tempfile.TemporaryDirectory() as folder:
            data = options.data or write_synthetic(Path(folder))
            compare(data, place, options.trials)
    blocks = {
        "protocols": gains_table(place),
        "honesty": honesty_table(place),
        "published": published_table(),
    }
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "va.md").write_text("\n\n".join(blocks.values()) + "\n", encoding="utf-8")
    draw(place).savefig(options.output / "va.png", dpi=150)
    for page in options.page:
        fill(page, {**blocks, "types": types_table(place)})
    print("\n\n".join(blocks.values()))


def compare(data: str, output: Path, trials: int) -> None:
    """Compare untuned and tuned models, and their ensemble, under all protocols; goes on where
    it stopped."""
    flags = (
        "--experiments", "cross_validation", "leave_one_site_out", "--models", *MODELS,
        "--protocols", "natural", "dirichlet", "--tune-hyperparameters",
        "--tuning-trials", str(trials), "--search-spaces", str(SPACES),
    )  # fmt: skip
    place = ("--data-path", data, "--output-dir", str(output))
    resume = ["--resume"] if (output / "comparison.json").exists() else []
    script = Path(sys.executable).with_name("run-distributed-comparison")
    subprocess.run([script, *place, *flags, *resume], check=True)


def write_synthetic(folder: Path) -> str:
    """Write synthetic deaths as a table."""
    size = {"n_samples": 1500, "n_causes": 14, "n_symptoms": 80, "n_sites": 4}
    made = load_dataset(
        DataConfig.model_validate({"format": "synthetic", "synthetic": size}), read_bytes
    )
    table = pd.DataFrame(made.X, columns=[feature.name for feature in made.features])
    named = {"va34": [made.causes[i] for i in made.y], "site": [made.sites[i] for i in made.site]}
    path = folder / "synthetic.csv"
    table.assign(**named).to_csv(path, index=False)
    return str(path)


def gains_table(place: Path) -> str:
    """Default against tuned under the protocols, and what needs no model."""
    gains, results = read(place)
    rows = []
    for (kind, composition), asked in PROTOCOLS.items():
        own = gains[(gains.experiment_type == kind) & (gains.protocol == composition)]
        tested = results[(results.experiment_type == kind) & (results.protocol == composition)]
        rows += [[asked, *row] for row in gain_rows(own, tested)]
        baselines = (
            tested[tested.model.isin(("copy_train", "uniform"))]
            .groupby("model")
            .csmf_accuracy.mean()
        )
        rows += [
            [asked, f"*{name}*", f"{value:.3f}", "", "", "", "", ""]
            for name, value in baselines.items()
        ]
    return markdown(["tested on", *GAIN_HEAD], rows)


def types_table(place: Path) -> str:
    """Default against tuned in every experiment type and composition of a comparison."""
    gains, results = read(place)
    rows = []
    for (kind, composition), own in gains.groupby(["experiment_type", "protocol"], sort=False):
        tested = results[(results.experiment_type == kind) & (results.protocol == composition)]
        rows += [[kind, composition, *row] for row in gain_rows(own, tested)]
        copied = tested[tested.model == "copy_train"].csmf_accuracy.mean()
        rows.append([kind, composition, "*copy_train*", f"{copied:.3f}", "", "", "", "", ""])
    return markdown(["experiments", "composition", *GAIN_HEAD], rows)


GAIN_HEAD = (
    "model", "CSMF default", "CSMF tuned", "difference (95 %)", "relative", "improved",
    "COD default → tuned"
)  # fmt: skip


def gain_rows(gains: pd.DataFrame, tested: pd.DataFrame) -> Iterator[list[str]]:
    """One row a model: CSMF accuracy with its paired interval, COD accuracy beside it."""
    by_metric = gains.set_index(["model", "metric"])
    for model in dict.fromkeys(gains.model):
        csmf, cod = (by_metric.loc[(model, metric)] for metric in ("csmf_accuracy", "cod_accuracy"))
        chosen = tested[(tested.model == model) & tested.tuned].csmf_estimator.value_counts()
        yield [
            model,
            f"{csmf.default:.3f}",
            f"{csmf.tuned:.3f} by {', '.join(f'{name} ×{n}' for name, n in chosen.items())}",
            f"{csmf.gain:+.3f} ({csmf.low:+.3f} to {csmf.high:+.3f})",
            f"{csmf.relative:+.1%}",
            f"{csmf.improved:.0%}",
            f"{cod.default:.3f} → {cod.tuned:.3f} ({cod.relative:+.1%})",
        ]


def read(place: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """tuned_vs_default.csv, tuned against counted default, and full_results.csv."""
    gains = pd.read_csv(place / "tuned_vs_default.csv")
    if "step" in gains:
        gains = gains[gains.step == "in_all"].rename(
            columns={"before": "default", "after": "tuned"}
        )
    return gains, pd.read_csv(place / "full_results.csv")


def honesty_table(place: Path) -> str:
    """What the search thought of its choice, how much of that it held for luck, and what outer
    deaths say."""
    results = [
        r
        for r in ComparisonStore(str(place)).load()
        if r.tuned and r.csmf_accuracy and r.tuned.cv_score
    ]
    rows = []
    for (kind, composition), asked in PROTOCOLS.items():
        for model in dict.fromkeys(result.model for result in results):
            own = [
                r
                for r in results
                if (r.experiment_type, r.protocol, r.model) == (kind, composition, model)
            ]
            optimism = [value for result in own if (value := _optimism(result)) is not None]
            if not own or not optimism:
                continue
            inner = float(np.mean([result.tuned.cv_score for result in own if result.tuned]))
            outer = float(
                np.mean([result.csmf_accuracy.estimate for result in own if result.csmf_accuracy])
            )
            estimated = float(np.mean(optimism))
            rows.append(
                [
                    asked,
                    model,
                    f"{inner:.3f}",
                    f"{estimated:.3f}",
                    f"{inner - estimated:.3f}",
                    f"{outer:.3f}",
                ]
            )
    head = [
        "tested on",
        "model",
        "inner best",
        "estimated optimism",
        "corrected",
        "outer (never seen)",
    ]
    return markdown(head, rows)


def _optimism(result: ExperimentResult) -> float | None:
    if not result.tuned or not result.tuned.search:
        return None
    place, _, name = result.tuned.search.rpartition("/")
    summary = TunedModelCache(Store(place)).load_summary(name, result.model)
    return summary.optimism if summary else None


def published_table() -> str:
    """What others have published, for orientation: other splits, other methods."""
    head = ["tested on", "method", "CSMF accuracy", "source"]
    return markdown(head, [list(row) for row in PUBLISHED])


def draw(place: Path) -> Any:
    """One panel a protocol: every model's default and tuned CSMF accuracy, and the baselines."""
    gains, results = read(place)
    gains = gains[gains.metric == "csmf_accuracy"]
    models = list(dict.fromkeys(gains.model))
    figure, panels = plt.subplots(
        1, len(PROTOCOLS), figsize=(13, 3.2), sharey=True, layout="constrained"
    )
    rows = np.arange(len(models))[::-1]
    for axes, ((kind, composition), asked) in zip(panels, PROTOCOLS.items(), strict=True):
        own = (
            gains[(gains.experiment_type == kind) & (gains.protocol == composition)]
            .set_index("model")
            .loc[models]
        )
        axes.hlines(rows, own.default, own.tuned, color="0.7", lw=2, zorder=1)
        axes.plot(own.default, rows, "o", color="#8a6d3b", label="default, counted")
        axes.plot(own.tuned, rows, "D", color="#1f5fa8", label="tuned, nested")
        tested = results[(results.experiment_type == kind) & (results.protocol == composition)]
        for name, line in (("copy_train", "--"), ("uniform", ":")):
            axes.axvline(
                tested[tested.model == name].csmf_accuracy.mean(),
                color="0.5",
                ls=line,
                lw=1,
                label=name,
            )
        axes.set_title(asked, loc="left", fontsize=10)
        axes.set_xlabel("CSMF accuracy")
        axes.grid(axis="x", color="0.92")
        axes.set_ylim(-0.6, len(models) - 0.4)
    panels[0].set_yticks(rows, models)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=4, frameon=False
    )
    return figure


if __name__ == "__main__":
    main()
