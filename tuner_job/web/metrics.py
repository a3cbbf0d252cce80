"""The same for Prometheus."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from tuner_job.web.index import Snapshot
from tuner_job.web.row import STATES, Row
from tuner_job.web.site import site_of
from tuner_job.wording import plain

MOST_LABELLED = 200
"""Experiments that have metrics of their own, the newest ones; all are counted by state."""
_STALE = 10.0
"""Seconds that what is scraped may be old."""


async def metrics(request: Request) -> Response:
    """Return all metrics as text."""
    site = site_of(request)
    snapshot = await site.fresh(_STALE)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Results(snapshot, list(site.index.places)))
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


class _Results:
    """What is known, as metrics."""

    def __init__(self, snapshot: Snapshot, places: list[str]):
        self._snapshot, self._places = snapshot, places

    def collect(self) -> Iterator[Metric]:
        """Return each metric with its values."""
        rows = list(self._snapshot.rows.values())
        newest = sorted(rows, key=lambda row: row.began, reverse=True)[:MOST_LABELLED]
        yield self._by_state(rows)
        yield self._up()
        yield from _of_each(newest)

    def _by_state(self, rows: list[Row]) -> Metric:
        family = GaugeMetricFamily(
            "va_tuning_experiments", "Experiments by state", labels=["state"]
        )
        counted = Counter(row.state for row in rows)
        for state in STATES:
            family.add_metric([state], counted[state])
        return family

    def _up(self) -> Metric:
        family = GaugeMetricFamily(
            "va_tuning_storage_up", "Whether storage could be listed", labels=["place"]
        )
        away = {one.place for one in self._snapshot.problems}
        for place in self._places:
            family.add_metric([place], float(place not in away))
        return family


def _of_each(rows: list[Row]) -> Iterator[Metric]:
    trials = GaugeMetricFamily(
        "va_tuning_trials",
        "Trials that have ended, by state",
        labels=["experiment", "model", "state"],
    )
    best = GaugeMetricFamily(
        "va_tuning_best_score", "Best score so far", labels=["experiment", "model", "metric"]
    )
    fits = GaugeMetricFamily(
        "va_tuning_fit_seconds", "Seconds that workers have fitted", labels=["experiment"]
    )
    age = GaugeMetricFamily(
        "va_tuning_last_trial_age_seconds", "Since the newest trial ended", labels=["experiment"]
    )
    for row in rows:
        if row.progress is None:
            continue
        name = plain(row.id, 120)
        for model, one in row.progress.models.items():
            for state, n in one.states.items():
                trials.add_metric([name, plain(model, 60), plain(state, 20)], n)
            if one.best_score is not None:
                metric = plain(row.progress.metric, 60)
                best.add_metric([name, plain(model, 60), metric], one.best_score)
        fits.add_metric([name], row.progress.fit_seconds)
        if (seconds := _age(row.progress.last_trial)) is not None:
            age.add_metric([name], seconds)
    yield from (trials, best, fits, age)


def _age(moment: str | None) -> float | None:
    try:
        then = datetime.fromisoformat(moment) if moment else None
    except ValueError:
        return None
    if then is None or then.tzinfo is None:
        return None
    return max(0.0, (datetime.now(UTC) - then).total_seconds())
