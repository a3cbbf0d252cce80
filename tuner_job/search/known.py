"""Results that a trial need not run for: an earlier run has them, or a trial like it."""

from collections.abc import Callable, Mapping, Sequence

from tuner_job.records import TrialRecord
from tuner_job.search.samplers.base import Sampler
from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration, configuration_key

OnMismatch = Callable[[TrialRecord, Configuration], None]
"""Called with a stored trial and the parameters that are proposed in its place."""


class KnownResults:
    """Looks results up; parameters as in `Study`."""

    def __init__(
        self,
        stored: Mapping[int, TrialRecord],
        objectives: Sequence[str],
        on_mismatch: OnMismatch,
    ):
        self._stored, self._objectives, self._on_mismatch = dict(stored), objectives, on_mismatch
        self._by_params: dict[tuple[object, ...], Trial] = {}
        self._duplicates: dict[int, list[Trial]] = {}  # unfinished, by the number of their original

    def learn(self, trial: Trial) -> None:
        """Know the result of a trial that another experiment ran."""
        self._by_params.setdefault(configuration_key(trial.params), trial)

    def knows(self, params: Configuration) -> bool:
        """Whether a trial with these parameters was there before."""
        return configuration_key(params) in self._by_params

    def are_stored(self, number: int) -> bool:
        """Whether an earlier run finished a trial of this number."""
        return number in self._stored

    def give(self, trial: Trial) -> None:
        """Give a trial the result that is known of it, or mark it as a duplicate that will get
        one."""
        record = self._stored.pop(trial.number, None)
        if record and (record.params, record.batch) != (trial.params, trial.batch):
            self._on_mismatch(record, trial.params)
            record = None
        original = self._by_params.setdefault(configuration_key(trial.params), trial)
        if original is trial:
            if record:
                trial.take_record(record, self._objectives)
            return
        trial.duplicate_of = original.number
        if original.state:
            trial.take_result(original)
        else:
            self._duplicates.setdefault(original.number, []).append(trial)

    def settle(self, finished: Sequence[Trial]) -> list[Trial]:
        """Give duplicates of finished trials their result; return them."""
        settled = []
        for original in finished:
            for trial in self._duplicates.pop(original.number, ()):
                trial.take_result(original)
                settled.append(trial)
        return sorted(settled, key=lambda trial: trial.number)


def still_proposed(
    sampler: Sampler,
    stored: Sequence[TrialRecord],
    objectives: Sequence[str],
    on_mismatch: OnMismatch,
) -> list[TrialRecord]:
    """Find the stored trials that a sampler of single configurations proposes again, as a study
    would take them."""
    records = {record.trial: record for record in stored}
    known, found = KnownResults(records, objectives, on_mismatch), []
    for number in range(max(records, default=-1) + 1):
        drawn = sampler.ask()
        if drawn is None:
            break
        trial = Trial(number, number, drawn[0])
        known.give(trial)
        found += [records[number]] if trial.state else []
    return found
