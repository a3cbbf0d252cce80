"""The report says which trials are from other experiments."""

from pathlib import Path

import pytest

from tests.unit import stored
from tuner_job.experiment.page import write_report
from tuner_job.records import Source
from tuner_job.report import sentences
from tuner_job.report.trials import Trials
from tuner_job.results.experiment_store import open_experiment

ADDRESS = "s3://bucket/<b>child"


@pytest.mark.slow
def test_known_trials_are_told_with_where_they_are_from(tmp_path: Path) -> None:
    store = open_experiment(str(stored.copy(tmp_path)))
    summary = store.summary()
    study = next(one for one in summary.studies if one.model == "xgboost")
    for record in store.load_trials("xgboost")[1:3]:
        mark = Source(address=ADDRESS, commit=2, trial=record.trial + 7)
        path = store.path(f"xgboost/trials/{record.trial:06d}.json")
        store.store.put(path, record.model_copy(update={"source": mark}).model_dump_json().encode())
    trials = Trials(store.load_trials("xgboost"), "csmf_accuracy")
    told = sentences.known(study, trials)
    assert f"2 trials (0–1) from {ADDRESS} (its commit 2), the best with 0." in told
    page = write_report(store, summary)
    assert "2 trials (0–1) from s3://bucket/&lt;b&gt;child (its commit 2)" in page
    assert "trial 7 of s3://bucket/&lt;b&gt;child" in page
    assert "<b>child" not in page


def test_nothing_is_said_where_none_is_known(tmp_path: Path) -> None:
    store = open_experiment(str(stored.copy(tmp_path)))
    for study in store.summary().studies:
        trials = Trials(store.load_trials(study.model), "csmf_accuracy")
        assert sentences.known(study, trials) == ""
