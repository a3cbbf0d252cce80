"""The page of new deaths: what they died of, how sure that is, and how it was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from tuner_job.data.codebook import FEWEST_DEATHS
from tuner_job.evaluation.metrics import CSMF_CHANCE
from tuner_job.prediction.groups import FEW_DEATHS, GroupCsmf
from tuner_job.prediction.predict import Predicted
from tuner_job.records import SHIFTS, Interval, StudySummary
from tuner_job.report import deaths_sentences as sentences
from tuner_job.report import text
from tuner_job.report.deaths_rows import ByGroup, CauseRow, GroupColumn, Scale, Tile
from tuner_job.report.tables import interval_methods
from tuner_job.report.templates import environment
from tuner_job.types import Causes, Floats
from tuner_job.wording import plain

_HERE = Path(__file__).parent
_GROUPS_A_TABLE = 4
"""So many stand side by side on a phone and on A4."""
_ENDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
_LABELS = {"site": "site", "sex": "sex", "age_group": "age", "year": "year of death"}
_MOST_OF_HEADING = 200
_TESTS = {
    "csmf_accuracy": "how near estimated shares are to the true ones; 1 is exact, 0 the worst",
    "cccsmf_accuracy": "the same, corrected for chance: 0 is what random shares reach",
    "cod_accuracy": "share of single deaths whose own cause was found",
}
_SHIFTS = {
    "near": "causes nearly as in training",
    "moderate": "somewhat otherwise",
    "any": "in any way",
}


@dataclass(frozen=True)
class Heading:
    """What the user says of the page."""

    title: str | None = None
    country: str | None = None
    author: str | None = None

    def bounded(self, n_rows: int) -> "Heading":
        """As it stands on the page."""
        said = {name: plain(value or "", _MOST_OF_HEADING) for name, value in vars(self).items()}
        usual = f"Causes of {n_rows:,} deaths".replace(",", "\u202f")
        of_country = f"{usual} in {said['country']}" if said["country"] else usual
        return Heading(said["title"] or of_country, said["country"], said["author"])


def render_deaths(predicted: Predicted, heading: Heading | None = None) -> str:
    """Render what was predicted of a file of deaths as a self-contained HTML page.

    The page loads nothing, has no script and holds nothing of a single death: counts and shares
    alone. The same deaths and model give the same bytes.

    Returns
    -------
    The page as text, to be written in UTF-8.
    """
    training = _training(predicted)
    order = np.argsort(-predicted.csmf.whole.fractions, kind="stable")
    causes = _rows(predicted, predicted.csmf.whole, training, order)
    found = environment(_HERE)
    words = (text.number, text.percent, text.capitalised)
    found.filters |= {word.__name__: word for word in words} | {"thousands": text.thousands}
    page = found.get_template("deaths.html").render(
        predicted=predicted,
        heading=(heading or Heading()).bounded(predicted.n_rows),
        n_rows=predicted.n_rows,
        causes=causes,
        scale=_scale(np.array([(one.high, one.training) for one in causes])),
        groups=[_by_group(predicted, by, training, order) for by in predicted.csmf.groups],
        certainty=_certainty(predicted),
        how=predicted.deaths.how_read,
        answered=_answered(predicted),
        n_doubtful=int((predicted.deaths.n_doubtful > 0).sum()),
        expected=predicted.expected,
        cautions=sentences.cautions(predicted),
        tested=predicted.tuned.residual is not None,
        coverage=sentences.coverage(measured_coverage(predicted.study)),
        estimator=sentences.estimator(predicted.tuned.csmf_estimator),
        tests=_tests(predicted),
        curve=_curve(predicted.study),
        few_deaths=FEW_DEATHS,
        sentences=sentences,
        version=version("va-tuning"),
        css=Markup("".join(_read(name) for name in ("style.css", "deaths.css"))),
    )
    return text.visible(page)


def measured_coverage(study: StudySummary | None) -> float | None:
    """Share of 95 % intervals that held the true fraction in tests; ``None``: it was not
    measured."""
    tested = interval_methods(study) if study else []
    return tested[0].coverage if tested else None


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _training(predicted: Predicted) -> Floats:
    """Fraction of each cause among the deaths that the model learnt from, (n_causes,)."""
    study, tuned = predicted.study, predicted.tuned
    known = {one.cause: one.true_fraction for one in study.best.causes} if study else {}
    if set(known) >= set(tuned.causes):
        return np.array([known[cause] for cause in tuned.causes])
    return tuned.calibration.training


def _rows(
    predicted: Predicted, group: GroupCsmf, training: Floats, order: Causes
) -> list[CauseRow]:
    return [
        CauseRow(predicted.tuned.causes[at], *map(float, numbers))
        for at, *numbers in zip(
            order.tolist(),
            *(one[order] for one in (group.fractions, group.low, group.high, training)),
            strict=True,
        )
    ]


def _by_group(predicted: Predicted, by: str, training: Floats, order: Causes) -> ByGroup:
    groups, gap = predicted.csmf.groups[by], predicted.csmf.gap(by)
    shown = [
        GroupColumn(one.group, one.n, one.few, _rows(predicted, one, training, order))
        for one in groups
        if one.n >= FEWEST_DEATHS
    ]
    return ByGroup(
        label=_LABELS.get(by, plain(by.removeprefix("year:"), 60)),
        n_groups=len(groups),
        parts=_side_by_side(shown),
        n_hidden=len(groups) - len(shown),
        scale=_scale(np.array([row.high for one in shown for row in one.causes])),
        gap=gap,
        gap_cause=predicted.tuned.causes[gap.cause],
    )


def _side_by_side(shown: Sequence[GroupColumn]) -> list[Sequence[GroupColumn]]:
    """Parts of about the same size."""
    n_parts = -(-len(shown) // _GROUPS_A_TABLE)
    ends = [round(len(shown) * part / n_parts) for part in range(n_parts + 1)] if n_parts else []
    return [shown[start:end] for start, end in pairwise(ends)]


def _scale(values: Floats) -> Scale:
    most = float(values.max()) if values.size else 1.0
    end = next((one for one in _ENDS if one >= most), 1.0)
    ticks = [end * part / 4 for part in range(5)]
    return Scale(end, ticks, [0.0, end / 2, end] if end * 25 % 1 else ticks[::2])


def _certainty(predicted: Predicted) -> list[Tile]:
    first, n_rows = predicted.calibrated.max(axis=1), predicted.n_rows
    sure, unsure = int((first > 0.8).sum()), int((first < 0.5).sum())
    labels = ("above 80 %", "50 to 80 %", "below 50 %")
    return [
        Tile(label, n, n / n_rows)
        for label, n in zip(labels, (sure, n_rows - sure - unsure, unsure), strict=True)
    ]


def _answered(predicted: Predicted) -> float:
    how = predicted.deaths.how_read
    return how.n_answers / max(1, how.n_columns * predicted.n_rows)


def _tests(predicted: Predicted) -> list[dict[str, Any]]:
    """The accuracies of the model in its search, beside those of copying training."""
    if predicted.study is None:
        return []
    trained, scores = predicted.trained, predicted.study.best.scores
    copied = dict(trained.baselines.get("copy_train", {})) if trained else {}
    if "csmf_accuracy" in copied:
        copied["cccsmf_accuracy"] = (copied["csmf_accuracy"] - CSMF_CHANCE) / (1 - CSMF_CHANCE)
    return [
        {
            "label": text.metric_label(name),
            "meaning": meaning,
            "value": scores[name],
            "copied": copied.get(name),
        }
        for name, meaning in _TESTS.items()
        if name in scores
    ]


def _curve(study: StudySummary | None) -> dict[str, Any]:
    """CSMF accuracy by the number of deaths and by shift."""
    tested = study.by_population if study else []
    found: dict[int, dict[str, Interval]] = {}
    for one in tested:
        found.setdefault(one.n_deaths, {})[one.shift] = one.csmf_accuracy
    rows = [(size, [found[size].get(shift) for shift in SHIFTS]) for size in sorted(found)]
    return {"labels": [_SHIFTS[shift] for shift in SHIFTS], "rows": rows}
