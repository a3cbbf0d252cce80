"""Trials of other experiments, copied into this one before its search begins."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tuner_job.config.tuning import FamilyName
from tuner_job.errors import StoreError
from tuner_job.evaluation.screening import n_values_judged
from tuner_job.experiment.begin import versions
from tuner_job.experiment.context import Run
from tuner_job.experiment.fitting_in import TWICE, fitting, untuned
from tuner_job.experiment.sources import of_ray_tune, refusal, settled
from tuner_job.problem import Prepared
from tuner_job.records import DEFAULT_TRIAL, KnownRecord, SettledSource, Source, TrialRecord
from tuner_job.results.claim import read_document
from tuner_job.results.experiment_store import ExperimentStore, open_experiment
from tuner_job.results.start import read_known, save_known, settle_start
from tuner_job.results.store import FIRST_CONTACT, Store
from tuner_job.results.writer import BackgroundWriter
from tuner_job.search_space import configuration_key
from tuner_job.types import Probabilities
from tuner_job.wording import counted, listed, plain

_log = logging.getLogger(__name__)


def know_trials(run: Run) -> None:
    """Have the trials of other experiments that lie in the search spaces, with what they predicted
    out of fold.

    Raises
    ------
    StoreError
        They are not all here, and one cannot be read where it is from.
    """
    if run.start is None:
        return
    run.start = settle_start(run.store, run.start)
    for model in run.config.families:
        if not _are_there(run, model):
            _copy(run, model)


def known_trials(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Those that another experiment ran, the untuned default not among them."""
    return [one for one in records if one.source and one.trial != DEFAULT_TRIAL]


def _are_there(run: Run, model: FamilyName) -> bool:
    record = read_known(run.store, model)
    there = known_trials(run.store.load_trials(model)) if record else []
    return record is not None and len(there) == record.n_known


def _copy(run: Run, model: FamilyName) -> None:
    """Copy the known trials of a model, and say of what is left out why."""
    assert run.start is not None
    copies = _Copies(run.prepared, model)
    with BackgroundWriter() as writer:
        for source in run.start.sources:
            if not source.trials.get(model):
                continue
            for copy in copies.of(source):
                writer.submit(_write, run.store, model, copy, copies.probabilities(copy))
            _log.warning("%s", copies.in_words(source))
            if changed := _changed_versions(source, versions(run.config)):
                _log.warning("%s", changed)
    left_out = {address: dict(why) for address, why in copies.left_out.items()}
    save_known(run.store, model, KnownRecord(n_known=copies.n_known, left_out=left_out))


def known_in_words(prepared: Prepared) -> list[str]:
    """Say how many trials of each source are known to an experiment that begins now; nothing is
    written.

    Raises
    ------
    StoreError
        As `settle_sources`.
    """
    own = ExperimentStore(Store(prepared.config.results, FIRST_CONTACT), prepared.config.name)
    sources, lines = list(settled(prepared, own)), []
    for model in prepared.config.families:
        copies = _Copies(prepared, model)
        for source in sources:
            if source.trials.get(model):
                list(copies.of(source))
                lines.append(copies.in_words(source))
    return lines


class _Copies:
    """The known trials of one model, numbered as they are found, one source after the other."""

    def __init__(self, prepared: Prepared, model: FamilyName):
        self.n_known = 0
        self.left_out: dict[str, Counter[str]] = {}
        self._prepared, self._config, self._model = prepared, prepared.config, model
        self._keys: set[object] = set()
        self._batches: dict[tuple[str, int], int] = {}
        self._has_default = False
        self._store: ExperimentStore | None = None
        self._whole: Mapping[int, bool] = {}

    def of(self, source: SettledSource) -> Iterator[TrialRecord]:
        """Copy what an experiment gives."""
        self._store, records = _pinned(source, self._model)
        document = read_document(self._store) or {}
        shape = len(self._prepared.validated_y), self._prepared.dataset.n_causes
        self._whole = self._store.whole_oof(self._model, shape)
        alike = self._judged_alike(document)
        records = [record if alike(record) else _unjudged(record) for record in records]
        taken, left_out = fitting(self._config, self._model, records, self._stopped_alike(document))
        if default := self._default(records):
            yield self._marked(default, source, {"trial": DEFAULT_TRIAL})
        for record, params in taken:
            if configuration_key(params) in self._keys:
                left_out[TWICE] += 1
                continue
            self._keys.add(configuration_key(params))
            fit = source.address, record.batch
            # below 0: its fits were not of this search
            batch = self._batches.setdefault(fit, -1 - len(self._batches))
            changes = {"trial": self.n_known, "params": params, "batch": batch}
            self.n_known += 1
            yield self._marked(record, source, changes)
        self.left_out[source.address] = left_out

    def probabilities(self, copy: TrialRecord) -> Probabilities | None:
        """What the trial copied last predicted out of fold; None if it was not kept, or is
        damaged."""
        assert copy.source is not None
        assert self._store is not None
        number = copy.source.trial
        return self._store.load_oof(self._model, number) if self._whole.get(number) else None

    def in_words(self, source: SettledSource) -> str:
        """Say how many of an experiment's trials are known, and why the others are not."""
        runs, left_out = source.trials[self._model], self.left_out[source.address]
        n_all = sum(last - max(first, 0) + 1 for first, last in runs)
        n_known, commit = n_all - left_out.total(), source.commits[self._model]
        why = "; ".join(f"{n:,} {what}" for what, n in sorted(left_out.items()))
        return (
            f"{self._model}: {n_known:,} of {counted(n_all, 'trial')} "
            f"{'is' if n_known == 1 else 'are'} known from {plain(source.address)} "
            f"({f'commit {commit}' if commit else 'not committed yet'})"
            f"{f'; not known are {why}' if why else ''}"
        )

    def _marked(
        self, record: TrialRecord, source: SettledSource, changes: Mapping[str, Any]
    ) -> TrialRecord:
        commit = source.commits[self._model]
        mark = Source(address=source.address, commit=commit, trial=record.trial)
        return record.model_copy(update={"source": mark, **changes})

    def _default(self, records: Sequence[TrialRecord]) -> TrialRecord | None:
        """The untuned default, if it is whole and the one of this version."""
        for record in records:
            family = self._config.family(self._model)
            same = record.trial == DEFAULT_TRIAL and record.params == untuned(family)
            whole = record.state == "complete" and self._whole.get(DEFAULT_TRIAL)
            if same and whole and not self._has_default:
                self._has_default = True
                return record
        return None

    def _judged_alike(self, document: Mapping[str, Any]) -> Callable[[TrialRecord], bool]:
        """Make a test whether early stopping looked at what it looks at here."""
        objectives = self._config.tuning.objectives
        asked = (document.get("tuning") or {}).get("scoring_metric", "csmf_accuracy")
        same = (asked if isinstance(asked, list) else [asked]) == objectives
        same = same and not of_ray_tune(document)
        n_values = n_values_judged(objectives, self._config.validation.csmf_estimators)
        return lambda record: same and all(len(f.judged) == n_values for f in record.folds)

    def _stopped_alike(self, document: Mapping[str, Any]) -> bool:
        """Whether trials were stopped early there as they would be here."""
        tuning = self._config.tuning
        rule = (document.get("tuning") or {}).get("early_stopping")
        one = len(tuning.objectives) == 1
        return one and rule == tuning.early_stopping.model_dump(mode="json")


def _unjudged(record: TrialRecord) -> TrialRecord:
    """Leave out what early stopping looked at for something else."""
    folds = [fold.model_copy(update={"judged": []}) for fold in record.folds]
    return record.model_copy(update={"folds": folds})


def _pinned(source: SettledSource, model: str) -> tuple[ExperimentStore, list[TrialRecord]]:
    """Read the trials that an experiment had when this one began."""
    try:
        store = open_experiment(source.location)
        records = store.load_trials(model)
    except StoreError as error:
        raise refusal(
            source.address, f"cannot be read, and not all of its trials are known here yet: {error}"
        ) from None
    own = {n for first, last in source.trials[model] for n in range(first, last + 1)}
    found = [record for record in records if record.trial in own]
    if lacking := sorted(own - {record.trial for record in found}):
        raise refusal(
            source.address,
            f"must have the trials that it had when this experiment began; of {model} it lacks "
            f"{listed(lacking)}: restore them, or begin anew under another `name`",
        )
    return store, found


def _write(store: ExperimentStore, model: str, copy: TrialRecord, P: Probabilities | None) -> None:
    """First the probabilities, so that a trial that counts as known never lacks them."""
    if P is not None:
        store.save_oof(model, copy.trial, P)
    store.save_trial(model, copy)


def _changed_versions(source: SettledSource, now: Mapping[str, str]) -> str:
    changed = [
        f"{name} {there}, here {now.get(name)}"
        for name, there in source.versions.items()
        if now.get(name) != there
    ]
    if not changed:
        return ""
    what = listed(changed)
    return f"{plain(source.address)}: was made with {what}; its scores are taken as they are"
