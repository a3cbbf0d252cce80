"""The figures of a comparison's report."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tuner_job.comparison.score import BASELINES
from tuner_job.config.comparison import EXPERIMENT_TYPES
from tuner_job.report.figures import style

_MARKERS = ("o", "s", "^", "D", "v")


def draw(table: pd.DataFrame) -> Iterator[style.Drawing]:
    """Draw what the table has experiments for, protocol by protocol."""
    protocols = list(table.protocol.unique())
    for protocol in protocols:
        for drawing in _of_protocol(table[table.protocol == protocol]):
            tested = "" if protocols == ["natural"] else f", {protocol} composition"
            yield replace(drawing, title=f"{drawing.title}{tested}")


def _of_protocol(table: pd.DataFrame) -> Iterator[style.Drawing]:
    models = [model for model in table.model.unique() if model not in BASELINES]
    if models:
        yield _spread(table, models)
    for tuned in (False, True):
        part = table[
            (table.tuned == tuned) & table.experiment_type.isin(("in_domain", "out_domain"))
        ]
        part = part[part.model.isin(models)]
        if (part.experiment_type == "out_domain").any():
            yield _between_sites(part, models, "tuned" if tuned else "untuned")
    if (table.experiment_type == "training_size").any():
        yield _by_size(table[table.experiment_type == "training_size"], models)


def _spread(table: pd.DataFrame, models: Sequence[str]) -> style.Drawing:
    """One panel an experiment type: every experiment as a dot, default above tuned."""
    kinds = [kind for kind in EXPERIMENT_TYPES if (table.experiment_type == kind).any()]
    figure = Figure(figsize=(style.WIDE, 1.6 + 0.62 * len(models)))
    panels = np.atleast_1d(figure.subplots(1, len(kinds), sharey=True, sharex=True))
    rows = np.arange(len(models))[::-1]
    for axes, kind in zip(panels, kinds, strict=True):
        part = table[table.experiment_type == kind]
        for row, model in zip(rows, models, strict=True):
            for tuned, shift, colour, marker in (
                (False, 0.16, style.DEFAULT, style.DEFAULT_MARKER),
                (True, -0.16, style.TUNED, style.TUNED_MARKER),
            ):
                scores = part[(part.model == model) & (part.tuned == tuned)].csmf_accuracy.dropna()
                if not len(scores):
                    continue
                axes.scatter(
                    scores,
                    np.full(len(scores), row + shift),
                    s=9,
                    color=colour,
                    alpha=0.35,
                    linewidths=0,
                )
                label = (
                    ("tuned" if tuned else "untuned default") + ", mean" if row == rows[0] else None
                )
                axes.plot(scores.mean(), row + shift, marker, color=colour, ms=7, label=label)
        copied = part[part.model == "copy_train"].csmf_accuracy.dropna()
        if len(copied):
            axes.axvline(
                copied.mean(), color=style.MUTED, lw=1.2, ls="--", label="copy-train, mean"
            )
        axes.set_title(kind.replace("_", " "), loc="left")
        axes.set_xlabel("CSMF accuracy")
        axes.set_ylim(-0.5, len(models) - 0.5)
        axes.grid(visible=False, axis="y")
    panels[0].set_yticks(rows, list(models))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
    caption = (
        "Small marks: single experiments. Large marks: their mean. Dashed: the mean of copying "
        "the training CSMF, which looks at no death; a model left of it does worse than that."
    )
    return style.Drawing(figure, "CSMF accuracy by experiment type", caption)


def _between_sites(part: pd.DataFrame, models: Sequence[str], kind: str) -> style.Drawing:
    """A matrix a model: trained at the row's site, tested at the column's."""
    sites = sorted(set(part.train_site) | set(part.test_site))
    figure = Figure(figsize=(style.WIDE, 4.4))
    panels = np.atleast_1d(figure.subplots(1, len(models), sharey=True))
    for axes, model in zip(panels, models, strict=True):
        grid = part[part.model == model].pivot_table(
            index="train_site", columns="test_site", values="csmf_accuracy"
        )
        values = grid.reindex(index=sites, columns=sites).to_numpy(dtype=float)
        axes.imshow(values, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.argwhere(np.isfinite(values)):
            colour = "white" if values[i, j] > 0.6 else style.TRUTH
            axes.text(
                j,
                i,
                f"{values[i, j]:.2f}".lstrip("0"),
                ha="center",
                va="center",
                color=colour,
                fontsize=8,
            )
        axes.set_xticks(range(len(sites)), sites, rotation=45, ha="right")
        axes.set_yticks(range(len(sites)), sites)
        axes.set_title(model)
        axes.grid(visible=False)
    panels[0].set_ylabel("trained at")
    caption = (
        "Row: the site trained on. Column: the site tested on; on the diagonal its own held-out "
        "deaths."
    )
    return style.Drawing(figure, f"CSMF accuracy between sites, {kind}", caption)


def _by_size(part: pd.DataFrame, models: Sequence[str]) -> style.Drawing:
    figure = Figure(figsize=(style.WIDE, 3.4))
    panels = figure.subplots(1, 2)
    for axes, metric in zip(panels, ("csmf_accuracy", "cod_accuracy"), strict=True):
        for model, marker in zip(models, cycle(_MARKERS), strict=False):
            for tuned, line, colour in ((False, ":", style.DEFAULT), (True, "-", style.TUNED)):
                rows = part[(part.model == model) & (part.tuned == tuned)]
                means = rows.groupby("training_fraction")[metric].mean().dropna()
                if len(means):
                    label = (
                        f"{model}, {'tuned' if tuned else 'untuned'}"
                        if metric == "csmf_accuracy"
                        else None
                    )
                    axes.plot(
                        means.index,
                        means.to_numpy(),
                        line,
                        marker=marker,
                        color=colour,
                        ms=5,
                        label=label,
                    )
        axes.set_xlabel("share of a site's training deaths")
        axes.set_ylabel(
            f"{metric.replace('_', ' ').replace('csmf', 'CSMF').replace('cod', 'COD')}, mean of "
            "sites"
        )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return style.Drawing(
        figure,
        "Accuracy by training size",
        "Means over sites; the test deaths are the same throughout.",
    )
