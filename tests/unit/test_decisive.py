"""Which experiments continue each other, whatever version began them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tuner_job.config.decisive import decisive, differences, digest_of, incomparable
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.load import load_experiment
from tuner_job.config.validation import as_begun
from tuner_job.errors import StoreError
from tuner_job.records import Provenance
from tuner_job.results.claim import claim
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.store import Store

STORED = Path(__file__).parents[1] / "stored"
SPACES = {"xgboost": {"max_depth": [3, 4]}, "random_forest": {"max_depth": [3]}}


def document(models: tuple[str, ...] = ("xgboost",), **changes: Any) -> dict[str, Any]:
    tuning = {"search_spaces": {model: SPACES[model] for model in models}}
    tuning |= changes.pop("tuning", {})
    content = {"name": "e", "data": {"format": "synthetic"}, "models": list(models)}
    return ExperimentConfig.model_validate({**content, "tuning": tuning, **changes}).document()


SAME: list[dict[str, Any]] = [
    {"tuning": {"n_trials": 7}},
    {"tuning": {"selection": "one_standard_error"}},
    {"models": ("xgboost", "random_forest")},
    {"models": ("random_forest",)},
    {"budget": {"max_trials": 3, "timeout": "1h"}},
    {"results": "elsewhere"},
    {"name": "other"},
    {"tuning": {"search_method": "bayesian", "lag": 8}, "seed": 42},
]
OTHER: list[dict[str, Any]] = [
    {"tuning": {"search_method": "random"}},
    {"tuning": {"search_method": "optuna", "sampler": "qmc"}},
    {"tuning": {"cv_folds": 4}},
    {"tuning": {"lag": 4}},
    {"tuning": {"scoring_metric": "ccc"}},
    {"tuning": {"early_stopping": "none"}},
    {"tuning": {"early_stopping": {"level": 0.02}}},
    {"tuning": {"search_spaces": {"xgboost": {"max_depth": [3, 5]}}}},
    {"validation": {"n_draws": 20}},
    {"validation": {"csmf_estimators": ["mean"]}},
    {"validation": {"population_size": 100}},
    {"validation": {"shift": "near"}},
    {"validation": {"holdout": 0.2}},
    {"data": {"format": "synthetic", "synthetic": {"seed": 1}}},
    {"seed": 1},
]


@pytest.mark.parametrize("changes", SAME, ids=str)
def test_what_decides_no_trial_may_change(changes: dict[str, Any]) -> None:
    assert differences(document(), document(**changes)) == []
    assert digest_of(document(**changes)) == digest_of(document())


@pytest.mark.parametrize("changes", OTHER, ids=str)
def test_what_decides_a_trial_may_not(changes: dict[str, Any]) -> None:
    assert differences(document(), document(**changes))
    if "search_spaces" not in changes.get("tuning", {}):
        assert digest_of(document(**changes)) != digest_of(document())


def test_the_number_of_trials_decides_those_of_a_population() -> None:
    few, many = (document(tuning={"search_method": "pbt", "n_trials": n}) for n in (4, 8))
    assert differences(few, many) == ["tuning.n_trials: 4 there, 8 here"]


def test_only_what_is_not_the_default_counts_so_that_a_later_key_orphans_nothing() -> None:
    spaces = document()["tuning"]["search_spaces"]
    assert decisive(document()) == {
        "seed": 42,
        "data": {"format": "synthetic"},
        "tuning": {"search_spaces": spaces},
        "validation": {},
    }
    later = document()
    del later["tuning"]["lag"], later["validation"]["holdout"]  # as if they were not known then
    assert differences(later, document()) == []


@pytest.mark.parametrize("version", sorted(path.name for path in STORED.iterdir() if path.is_dir()))
def test_what_an_earlier_version_stored_is_the_same_experiment(version: str) -> None:
    config = load_experiment(STORED / version / "experiment.yaml")
    for folder in ("finished", "stopped"):
        stored = (STORED / version / folder / "experiment.yaml").read_text()
        assert differences(yaml.safe_load(stored), config.document()) == []


def before(**tuning: Any) -> dict[str, Any]:
    """What version 0.2.0 wrote."""
    content = document(tuning={"search_method": "grid"})
    content["tuning"] |= {"scheduler": "none", "free_knowledge": False, **tuning}
    return content


def provenance(version: str, now: Mapping[str, Any]) -> Provenance:
    return Provenance(
        experiment_digest=digest_of(now), data_digest="d", data_source="s", seed=1,
        versions={"va-tuning": version}, image=None, platform="", created_at="",
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> ExperimentStore:
    return ExperimentStore(Store(str(tmp_path)), "e")


def test_removed_keys_at_their_old_default_are_ignored(store: ExperimentStore) -> None:
    claim(store, before(), provenance("0.2.0", before()))
    now = document(tuning={"search_method": "grid"})
    claim(store, now, provenance("0.3.0", now))


@pytest.mark.parametrize(
    ("tuning", "said"),
    [
        ({"free_knowledge": True}, "tuning.free_knowledge: True there, the default here"),
        ({"scheduler": "asha"}, "tuning.scheduler: 'asha' there, the default here"),
        (
            {"early_stopping": {"rule": "race", "level": 0.01}},
            "tuning.early_stopping: {'rule': 'race'} there",
        ),
    ],
)
def test_others_are_named_and_so_is_the_version_that_knows_them(
    store: ExperimentStore, tuning: dict[str, Any], said: str
) -> None:
    claim(store, before(**tuning), provenance("0.2.0", before()))
    now = document(tuning={"search_method": "grid"})
    with pytest.raises(StoreError) as refused:
        claim(store, now, provenance("0.3.0", now))
    assert said in str(refused.value)
    assert "finish it with va-tuning 0.2.0, which began it, or choose another `name`" in str(
        refused.value
    )


def test_an_experiment_that_goes_on_keeps_its_models_and_its_digest(store: ExperimentStore) -> None:
    first = document(tuning={"n_trials": 3})
    claim(store, first, provenance("0.2.0", {"seed": "as that version wrote it"}))
    begun = (store.store.get("e/experiment.yaml") or b"").split(b"\n")[0]
    now = document(("random_forest",), tuning={"n_trials": 9})
    claim(store, now, provenance("0.3.0", now))()
    head, _, content = (store.store.get("e/experiment.yaml") or b"").partition(b"\n")
    kept = yaml.safe_load(content)
    assert head == begun
    assert kept["models"] == ["xgboost", "random_forest"]
    assert kept["tuning"]["n_trials"] == 9
    assert {*kept["tuning"]["search_spaces"]} == {"xgboost", "random_forest"}
    other = document(tuning={"search_spaces": {"xgboost": {"max_depth": [9]}}})
    with pytest.raises(StoreError, match=r"tuning\.search_spaces\.xgboost\.max_depth"):
        claim(store, other, provenance("0.3.0", other))


def test_one_of_an_earlier_version_goes_on_more_than_once(store: ExperimentStore) -> None:
    first = document(tuning={"n_trials": 3})
    for key in ("population_size", "shift"):
        del first["validation"][key]
    first["validation"]["csmf_estimators"] = ["count", "mean", "em", "mixture"]
    claim(store, first, provenance("0.4.0", first))
    for n_trials in (5, 7):
        stored = yaml.safe_load(store.store.get("e/experiment.yaml") or b"")["validation"]
        now = document(tuning={"n_trials": n_trials})
        now["validation"] = as_begun(now["validation"], stored)
        assert now["validation"]["population_size"] == "all"
        claim(store, now, provenance("0.5.0", now))


def test_a_changed_own_module_is_another_experiment() -> None:
    before, now = document(code={"own": "0" * 64}), document(code={"own": "1" * 64})
    assert before["code"] == {"own": "0" * 64}
    assert "code" not in document()
    assert differences(before, document(code={"own": "0" * 64, "other": "1" * 64})) == []
    (told,) = differences(before, now)
    assert told.startswith("code.own: '0000")
    assert digest_of(before) == digest_of(document())


def test_trials_can_be_compared_where_fits_and_scores_are_the_same() -> None:
    changes: list[dict[str, Any]] = [
        {"tuning": {"search_method": "random", "lag": 3, "scoring_metric": "ccc"}},
        {"tuning": {"search_spaces": {"xgboost": {"max_depth": [9]}}}, "start_from": ["a/b"]},
    ]
    for one in changes:
        assert incomparable(document(), document(**one)) == []
    assert incomparable(document(), document(tuning={"cv_folds": 3})) == [
        "tuning.cv_folds: 5 there, 3 here"
    ]
    by_site = {"validation": {"scheme": "leave_one_site_out"}}
    assert incomparable(document(**by_site), document(**by_site, tuning={"cv_folds": 3})) == []


def test_own_code_must_be_the_same_where_both_have_it() -> None:
    one, other = ({**document(), "code": {"mine": digest}} for digest in ("a" * 64, "b" * 64))
    assert incomparable(one, one) == incomparable(document(), one) == []
    (told,) = incomparable(one, other)
    assert told.startswith("code.mine: ")
