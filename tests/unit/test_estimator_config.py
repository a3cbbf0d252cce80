"""The section `estimators`: names, references, spaces; and checking one without running code."""

import logging
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from tuner_job.config.decisive import differences, digest_of, joined
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.load import check_experiment
from tuner_job.errors import ConfigError
from tuner_job.experiment.begin import versions
from tuner_job.own_code.importing import forget

BOOSTING = {"class": "sklearn.ensemble.HistGradientBoostingClassifier", "path": "max_iter"}
SPACE = {"learning_rate": {"low": 0.01, "high": 0.3, "log": True}, "max_iter": [50, 100]}
OWN = "from sklearn.naive_bayes import BernoulliNB\n\nclass Own(BernoulliNB):\n    pass\n"


def content(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "name": "e",
        "data": {"format": "synthetic"},
        "models": ["xgboost", "boosting"],
        "estimators": {"boosting": dict(BOOSTING)},
        "tuning": {"search_spaces": {"boosting": SPACE}},
    }
    return base | changes


def named(name: str, **changes: Any) -> dict[str, Any]:
    return content(
        models=[name],
        estimators={name: BOOSTING | changes},
        tuning={"search_spaces": {name: SPACE}},
    )


def own(folder: Path, text: str = OWN) -> dict[str, Any]:
    (folder / "va_models.py").write_text(text)
    return content(
        models=["mine"],
        estimators={"mine": {"class": "va_models:Own"}},
        tuning={"search_spaces": {"mine": {"alpha": [0.1, 1]}}},
    )


def test_an_estimator_is_a_model_like_the_others() -> None:
    config = check_experiment(content(), "e")
    assert config.families == ["xgboost", "boosting"]
    assert config.family("boosting").path_parameter == "max_iter"
    space = config.space("boosting")
    assert list(space.parameters) == ["learning_rate", "max_iter"]
    again = check_experiment(config.document(), "e")
    assert again.document() == config.document()
    assert config.document()["estimators"]["boosting"]["class"] == BOOSTING["class"]
    family = pickle.loads(pickle.dumps(config.family("boosting")))
    assert (family.name, family.path_parameter) == ("boosting", "max_iter")
    assert "lightgbm" not in versions(config)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (content(models=["xgboost", "bosting"]), "got 'bosting'; did you mean boosting?"),
        (content(models=["xgboost"]), "estimators.boosting: is not among models ['xgboost']"),
        (content(tuning={}), "tuning.search_spaces.boosting: is needed: an estimator has no def"),
        (named("xgboost"), "estimators.xgboost: is the name of a model that every experiment has"),
        (
            content(estimators={"boosting": BOOSTING, "ensemble": BOOSTING}),
            "estimators.ensemble: is the name of a model",
        ),
        (named("Boosting"), "estimators.Boosting: must be lower-case letters, digits and '_'"),
        (named("../boosting"), "estimators.../boosting: must be lower-case"),
        (named("a" * 41), "must be lower-case letters, digits and '_', at most 40"),
        (named("logs"), "no name that files cannot have"),
        (named("boosting", path="max_itr"), "estimators.boosting: path: max_itr: is not a para"),
        (named("boosting", fixed={"max_iter": 3}), "estimators.boosting.fixed.max_iter: is sear"),
        (named("boosting", fixed={"max_dept": 3}), "boosting: fixed.max_dept: is not a parameter"),
        (named("boosting", **{"class": "sklearn.ensemble.Boosting"}), "sklearn.ensemble has no Bo"),
        (named("boosting", **{"class": "nowhere.at.All"}), "there is no module nowhere.at (nor no"),
        (named("boosting", **{"class": 3}), "estimators.boosting.class"),
        (named("boosting", **{"class": []}), "estimators.boosting.class"),
        (named("boosting", classes="x"), "estimators.boosting.classes: is not a known key"),
        (
            content(tuning={"search_spaces": {"boosting": {"max_leaf_node": [3]}}}),
            "boosting.max_leaf_node: is not a parameter of this model; did you mean max_leaf_nodes",
        ),
        (
            content(tuning={"search_spaces": {"boosting": {"max_iter": [0.5, 3]}}}),
            "tuning.search_spaces.boosting.max_iter: input should be a valid integer",
        ),
        (
            content(tuning={"search_spaces": {"boosting": {"random_state": [1, 2]}}}),
            "boosting.random_state: is not a parameter",
        ),
        (
            content(tuning={"search_method": "pbt", "search_spaces": {"boosting": SPACE}}),
            "pbt cannot tune boosting: nobody knows whether an estimator of another package",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_key(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_experiment(wrong, "e")
    assert told in str(caught.value)


def test_asha_judges_any_estimator_fold_by_fold() -> None:
    asha = content(tuning={"search_method": "asha", "search_spaces": {"boosting": SPACE}})
    assert check_experiment(asha, "e").tuning.on_ray_tune


def test_a_folder_of_spaces_has_a_file_for_it(tmp_path: Path) -> None:
    (tmp_path / "spaces").mkdir()
    (tmp_path / "spaces" / "boosting.yaml").write_text("max_iter: [10]\n")
    (tmp_path / "spaces" / "xgboost.yaml").write_text("max_depth: [3]\n")
    config = check_experiment(content(tuning={"search_spaces": "spaces"}), "e", tmp_path)
    assert config.space("boosting").count() == 1


def test_an_own_module_is_part_of_what_the_experiment_is(tmp_path: Path) -> None:
    before = check_experiment(own(tmp_path), "e", tmp_path)
    assert before.own_modules == {"va_models": OWN}
    assert before.model_copy(update={"results": "x"}).own_modules == before.own_modules
    assert pickle.loads(pickle.dumps(before)).own_modules == before.own_modules
    same = check_experiment(before.document(), "e", own_modules=dict(before.own_modules))
    assert same.document() == before.document()
    after = check_experiment(own(tmp_path, OWN + "\n# changed\n"), "e", tmp_path)
    assert [one[:15] for one in differences(before.document(), after.document())] == [
        "code.va_models:"
    ]
    with pytest.raises(ConfigError, match=r"code.va_models: is not the module that stands there"):
        check_experiment(before.document(), "e", tmp_path)


def test_estimators_come_and_go_and_may_not_change() -> None:
    one = check_experiment(content(), "e").document()
    without = check_experiment(content(models=["xgboost"], estimators={}, tuning={}), "e")
    assert differences(one, without.document()) == []
    assert digest_of(one) == digest_of(without.document())
    later = joined(one, without.document())
    assert later["models"] == ["xgboost", "boosting"]
    assert check_experiment(later, "e").document()["estimators"] == one["estimators"]
    changed = named("boosting", fixed={"max_depth": 3})
    (told,) = differences(one, check_experiment(changed, "e").document())
    assert told.startswith("estimators.boosting.fixed.max_depth: the default there, 3 here")


def test_nothing_is_imported_where_nothing_may_run(tmp_path: Path) -> None:
    forget()
    hostile = own(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    text = {"va_models": (tmp_path / "va_models.py").read_text()}
    config = check_experiment(hostile, "e", own_modules=text, code="never")
    assert config.document()["tuning"]["search_spaces"]["mine"]["alpha"]["choices"] == [0.1, 1]
    assert not (tmp_path / "ran").exists()
    assert "va_models" not in sys.modules
    with pytest.raises(ConfigError, match="is needed"):
        check_experiment(content(tuning={}), "e", code="never")


def test_what_is_not_installed_here_may_be_left_to_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    elsewhere = named("boosting", **{"class": "nowhere.at.All"})
    with caplog.at_level(logging.WARNING):
        config = check_experiment(elsewhere, "e", code="if_installed")
    assert "nowhere" in caplog.text
    assert "its search space is checked by the run" in caplog.text
    assert config.space("boosting").parameters
    for wrong, told in (
        (named("boosting", **{"class": "nowhere:All"}), "no file nowhere.py stands beside"),
        (named("boosting", path="max_itr"), "max_itr: is not a parameter"),
    ):
        with pytest.raises(ConfigError, match=told):
            check_experiment(wrong, "e", code="if_installed")


def test_the_schema_takes_names_of_ones_own() -> None:
    schema = ExperimentConfig.model_json_schema()
    patterns = [one.get("pattern") for one in schema["properties"]["models"]["items"]["anyOf"]]
    assert "^[a-z][a-z0-9_]{0,39}$" in patterns
    assert "class" in schema["$defs"]["EstimatorConfig"]["properties"]
