"""A comparison, from an experiment file to its tables and its report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tuner_job.comparison.context import Comparison, Tuners
from tuner_job.comparison.gains import tuned_gains
from tuner_job.comparison.plan import Plan, plan
from tuner_job.comparison.report import write_report
from tuner_job.comparison.result import TunedChoice
from tuner_job.comparison.run import run_comparison
from tuner_job.comparison.settings import (
    Runtime,
    Settings,
    as_begun_earlier,
    document,
    searches_on_ray_tune,
    validations,
)
from tuner_job.comparison.store import ComparisonStore
from tuner_job.comparison.tables import write_tables
from tuner_job.comparison.tuning import HyperparameterTuner, read_tuned
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.tuning import ModelName
from tuner_job.data.dataset import VaDataset
from tuner_job.data.load import ReadBytes, load_dataset
from tuner_job.execution.workers import load_ahead, workers_able
from tuner_job.files.whole import local_path
from tuner_job.results.store import check_writable, read_bytes
from tuner_job.results.telling import Telling, telling
from tuner_job.threads import one_thread
from tuner_job.wording import counted

_SAW_TEST_ROWS = (
    "the given parameters were tuned on all rows, test rows too: scores of tuned models are "
    "optimistic"
)
_EARLIER = (
    "an earlier version began this comparison, so it goes on with the test populations and CSMF "
    "estimators of then"
)
_HOLDOUT = "validation.holdout is left aside: every test of a comparison is held out"


@dataclass(frozen=True)
class Place:
    """Where a comparison stands, and what becomes of what stands there.

    Attributes
    ----------
    url
        A folder or URL of its own.
    resume
        Go on with the same comparison; otherwise its results are not touched.
    clear
        Remove its results first; its searches are kept.
    plots
        Whether the report has plots.
    """

    url: str
    resume: bool = True
    clear: bool = False
    plots: bool = True


def place_of(config: ExperimentConfig) -> str:
    """Address at which the comparison of an experiment file stands."""
    return f"{config.results.rstrip('/')}/{config.name}"


def compare(
    config: ExperimentConfig,
    place: Place,
    runtime: Runtime = Runtime(),  # noqa: B008 (frozen)
    say: Callable[[str], None] = print,
    should_stop: Callable[[], bool] = lambda: False,
    read: ReadBytes = read_bytes,
) -> None:
    """Run the comparison of an experiment file, or go on with it.

    Parameters
    ----------
    read
        Returns the content of the data file.

    Raises
    ------
    VaTuningError
        Something given cannot be used, or the comparison could not go on.
    """
    load_ahead(map(config.family, config.families), searches_on_ray_tune(config))
    data = load_dataset(config.data, read)
    planned = plan(data, config.comparison, config.seed)
    sets = planned.sets
    store = ComparisonStore(place.url)
    asked = document(config, data)
    is_of_earlier_version = not place.clear and store.is_of_earlier_version()
    if is_of_earlier_version:
        config = as_begun_earlier(config)
    settings = Settings.of(config, data)
    address = config.comparison.tuned_params
    given = read_tuned(address, data, config.models) if address else None
    store.check_place(local_path(config.data.source or ""))
    size, on_ray_tune = data.X.nbytes, searches_on_ray_tune(config)
    with workers_able(config.budget, runtime.n_workers, size, on_ray_tune):
        check_writable(place.url)  # not before it is clear that workers can do what is asked
    if place.clear:
        store.clear()
    store.claim(asked, place.resume)
    running = Comparison(data, sets, settings, store, runtime, say, should_stop)
    name = place.url.rstrip("/").rpartition("/")[2]
    with telling(Telling(store.store, "", lambda: running.fits.progress(name))) as log:
        running.say = _to_both(say, log.say)
        _announce(config, data, planned, running.say)
        if is_of_earlier_version:
            running.say(f"note: {_EARLIER}")
        with one_thread():  # as in `run_experiment`
            _compare(running, _tuners(config, place.url, runtime), given, place.plots)


def _compare(
    running: Comparison,
    tuners: Tuners | None,
    given: Mapping[ModelName, TunedChoice] | None,
    plots: bool,
) -> None:
    """Run what is left to run; write tables and report."""
    data, store = running.data, running.store
    results = run_comparison(running, tuners, given)
    running.fits.stage = "report"
    gains = tuned_gains(data, running.sets, running.settings, results, store)
    write_tables(store, results, gains)
    write_report(store, data, results, gains, plots=plots)
    running.say(f"tables and report: {store.url}/full_results.csv, {store.url}/report.html")


def _to_both(say: Callable[[str], None], also: Callable[[str], None]) -> Callable[[str], None]:
    def both(line: str) -> None:
        say(line)
        also(line)

    return both


def _tuners(config: ExperimentConfig, url: str, runtime: Runtime) -> Tuners | None:
    if not config.comparison.tune:
        return None
    return {
        composition: HyperparameterTuner(
            config.tuning,
            f"{url.rstrip('/')}/tuning",
            config.seed,
            config.budget,
            runtime.n_workers,
            validation,
        ).knowing(config)
        for composition, validation in validations(config).items()
    }


def _announce(
    config: ExperimentConfig,
    data: VaDataset,
    planned: Plan,
    say: Callable[[str], None],
) -> None:
    n_tests = sum(len(training.tests) for training in planned.sets)
    say(
        f"{counted(data.n_samples, 'death')}, {counted(data.n_causes, 'cause')}, "
        f"{counted(len(data.sites), 'site')}; {counted(len(planned.sets), 'training set')}, "
        f"{counted(n_tests, 'test')}, {counted(len(config.models), 'model')}"
    )
    notes = [*data.notes, *planned.notes]
    if config.validation.holdout:
        notes.append(_HOLDOUT)
    if config.comparison.tuned_params:
        notes.append(_SAW_TEST_ROWS)
    for note in notes:
        say(f"note: {note}")
