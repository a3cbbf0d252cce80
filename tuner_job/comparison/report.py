"""The report of a comparison: one HTML page that loads nothing, and its plots as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from tuner_job.comparison.figures import draw
from tuner_job.comparison.gains import Gain
from tuner_job.comparison.result import ExperimentResult
from tuner_job.comparison.score import BASELINES
from tuner_job.comparison.store import ComparisonStore
from tuner_job.comparison.tables import full_table, summary_statistics
from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.steps import IN_ALL, LABELS
from tuner_job.report.figures import style
from tuner_job.report.templates import environment
from tuner_job.report.text import visible

_HERE = Path(__file__).parent
_STYLE = _HERE.parent / "report" / "style.css"


def write_report(
    store: ComparisonStore,
    data: VaDataset,
    results: Sequence[ExperimentResult],
    gains: Sequence[Gain],
    plots: bool = True,
) -> None:
    """Write ``report.html`` and, with `plots`, ``plots/*.svg``."""
    table = full_table(results)
    drawings = _drawings(table) if plots else []
    for drawing in drawings:
        name = "".join(letter if letter.isalnum() else "-" for letter in drawing["title"].lower())
        store.write_text(
            f"plots/{name}.svg",
            visible(drawing["svg"]).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1),
        )
    page = environment(_HERE).get_template("report.html").render(
        css=Markup(_STYLE.read_text(encoding="utf-8")),
        n_sites=len(data.sites),
        n_deaths=data.n_samples,
        n_causes=data.n_causes,
        n_experiments=len(results),
        failed=[result for result in results if result.error],
        gains=_gain_groups(gains),
        optimistic=any(result.tuned and result.tuned.saw_test_rows for result in results),
        summary=_summary(table),
        drawings=drawings,
    )  # fmt: skip
    store.write_text("report.html", visible(page))


def _gain_groups(gains: Sequence[Gain]) -> list[dict[str, Any]]:
    """One group a model, experiment type and protocol: the levels of its steps, and their gains."""
    by_step: dict[tuple[str, str, str], dict[str, dict[str, Gain]]] = {}
    for gain in gains:
        group = by_step.setdefault((gain.experiment_type, gain.protocol, gain.model), {})
        group.setdefault(gain.step, {})[gain.metric] = gain
    return [{"first": s["in_all"]["csmf_accuracy"], "rows": _rows(s)} for s in by_step.values()]


def _rows(steps: dict[str, dict[str, Gain]]) -> list[dict[str, Any]]:
    """Rows of a group; without the step between, where an earlier version's search did not tell
    of it."""
    in_all = steps["in_all"]

    def row(label: str, found: dict[str, Gain] | None, of: str = "after") -> dict[str, Any]:
        levels = {metric: getattr(one, of) for metric, one in (found or {}).items()}
        return {"label": label, "levels": levels, "gain": found and found["csmf_accuracy"]}

    first = {**row(LABELS["default_counted"], in_all, "before"), "gain": None}
    if "estimator" not in steps:
        return [first, row(LABELS["tuned"], in_all)]
    return [
        first,
        row(LABELS["default"], steps["estimator"]),
        row(LABELS["tuned"], steps["parameters"]),
        {"label": IN_ALL, "levels": {}, "gain": in_all["csmf_accuracy"]},
    ]


def _drawings(table: pd.DataFrame) -> list[dict[str, Any]]:
    with style.applied():
        return [
            {
                "title": drawing.title,
                "caption": drawing.caption,
                "svg": style.to_svg(drawing, f"f{number}"),
            }
            for number, drawing in enumerate(draw(table), start=1)
        ]


def _summary(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the summary as the page says them."""
    statistics = summary_statistics(table)
    copied = statistics[statistics.model == "copy_train"].set_index(["experiment_type", "protocol"])
    rows = []
    records: list[dict[str, Any]] = [
        {str(k): v for k, v in row.items()} for row in statistics.to_dict("records")
    ]
    for row in records:
        baseline = row["model"] in BASELINES
        own, copy_train = (
            row["csmf_accuracy_mean"],
            copied["csmf_accuracy_mean"].get((row["experiment_type"], row["protocol"])),
        )
        rows.append(
            {
                **row,
                "baseline": baseline,
                "below": "–"
                if baseline or pd.isna(row["below_copy_train"])
                else f"{row['below_copy_train']:.0%}",
                "marked": not baseline and copy_train is not None and own < copy_train,
            }
        )
    return rows
