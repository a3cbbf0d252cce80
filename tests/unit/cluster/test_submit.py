from pathlib import Path
from typing import Any

import pytest
import yaml

from tuner_job.cluster.submit import Asked, build, read_for_cluster
from tuner_job.cluster.template import HeadContainer, Located, Template, config_map, fill_in
from tuner_job.errors import ClusterError, ConfigError


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "experiment.yaml"
    experiment = {
        "name": "adult",
        "data": {"format": "synthetic"},
        "models": ["xgboost"],
        **changes,
    }
    path.write_text(yaml.safe_dump(experiment))
    return path


def test_only_whole_scalars_are_replaced() -> None:
    node = {
        "name": "NAME",
        "volumes": [{"configMap": {"name": "NAME"}}],
        "text": "of NAME",
        "n": 1,
        "none": None,
    }
    filled = {
        "name": "adult",
        "volumes": [{"configMap": {"name": "adult"}}],
        "text": "of NAME",
        "n": 1,
        "none": None,
    }
    assert fill_in(node, "NAME", "adult") == filled


def test_config_map_belongs_to_its_job() -> None:
    job = {
        "metadata": {
            "name": "adult",
            "namespace": "va",
            "labels": {"a": "b"},
            "annotations": {"c": "d"},
        }
    }
    made = config_map(job, "name: adult\n")
    assert made["metadata"] == {"name": "adult", "namespace": "va", "labels": {"a": "b"}}
    assert made["data"] == {"experiment.yaml": "name: adult\n"}
    with_code = config_map(job, "name: adult\n", {"mine": "x = 1\n"})
    assert with_code["data"] == {"experiment.yaml": "name: adult\n", "mine.py": "x = 1\n"}
    with pytest.raises(ClusterError, match="search spaces and own modules"):
        config_map(job, "name: adult\n", {"mine": "#" * 2**20})


def test_a_release_without_a_cluster_says_how_to_bring_one() -> None:
    template = Template(
        "s3://results", {"metadata": {"name": "NAME"}}, None, "NAME", HeadContainer()
    )
    assert template.rayjob("adult", own_cluster=True) == {"metadata": {"name": "adult"}}
    with pytest.raises(ClusterError, match="--own-cluster"):
        template.rayjob("adult", own_cluster=False)


def test_an_experiment_may_bring_an_image() -> None:
    container = {"image": "here/tuner:1", "env": [{"name": "IMAGE", "value": "here/tuner:1"}]}
    job = {"metadata": {"name": "NAME"}, "spec": {"containers": [container]}}
    installed = {"metadata": {"name": "NAME"}, "spec": {"image": "here/tuner:1"}}
    head = HeadContainer(image="here/tuner:1")
    template = Template("s3://results", job, installed, "NAME", head)
    assert template.of_image("") == template
    made = template.of_image("there/more:2").rayjob("adult", own_cluster=True)
    assert made["spec"]["containers"][0] == {
        "image": "there/more:2",
        "env": [{"name": "IMAGE", "value": "there/more:2"}],
    }
    kept = template.of_image("there/more:2").rayjob("adult", own_cluster=False)
    assert kept["spec"]["image"] == "here/tuner:1"


def test_an_image_needs_a_cluster_of_its_own(tmp_path: Path) -> None:
    asked = Asked(image="there/more:2")
    with pytest.raises(ConfigError, match=r"--image there/more:2: needs --own-cluster"):
        build(write(tmp_path), asked, lambda: pytest.fail("asked"))


def test_spaces_in_files_beside_the_experiment_go_along(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text("max_depth: [3, 6]\n")
    content, _, data = read_for_cluster(
        write(tmp_path, tuning={"search_spaces": {"xgboost": "space.yaml"}})
    )
    assert content["tuning"]["search_spaces"]["xgboost"]["max_depth"] == {
        "choices": [3, 6],
        "when": None,
    }
    assert data is None


def test_own_modules_go_along(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def metric(P, y, site):\n    return 1.0\n")
    tuning = {"scoring_metric": ["csmf_accuracy", "mine:metric"], "search_method": "optuna"}
    _, modules, _ = read_for_cluster(write(tmp_path, tuning=tuning))
    assert list(modules) == ["mine"]
    assert modules["mine"].startswith("def metric")


def test_spaces_that_the_chart_mounts_stay_where_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, tuning={"search_spaces": "/etc/va-tuning/search-spaces"})
    assert read_for_cluster(path)[0]["tuning"]["search_spaces"] == "/etc/va-tuning/search-spaces"


def test_data_on_this_machine_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "adult.csv").write_text("site,cause\n")
    table = {"format": "table", "label": "cause"}
    assert (
        read_for_cluster(write(tmp_path, data={**table, "source": "adult.csv"}))[2]
        == tmp_path / "adult.csv"
    )
    for elsewhere in ("s3://data/adult.csv", "/volume/adult.csv"):
        assert read_for_cluster(write(tmp_path, data={**table, "source": elsewhere}))[2] is None


def test_a_file_url_is_a_path_of_this_machine(tmp_path: Path) -> None:
    source = (tmp_path / "adult.csv").as_uri()
    data = {"format": "table", "label": "cause", "source": source}
    path = write(tmp_path, data=data, results=(tmp_path / "results").as_uri())
    template = Template(
        "s3://results", {"metadata": {"name": "NAME"}}, None, "NAME", HeadContainer()
    )
    content, _, found = read_for_cluster(path)
    assert found == tmp_path / "adult.csv"
    assert template.results_of(content) == "s3://results"
    with pytest.raises(ConfigError, match=r"data\.source: must be an address .*--upload copies"):
        build(path, Asked(own_cluster=True), lambda: Located(template, ""))


def test_a_wrong_file_is_refused_before_any_cluster_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at most 40"):
        read_for_cluster(write(tmp_path, name="a" * 41))


@pytest.mark.parametrize(
    "source",
    ["https://me:h1dd3n@host.org/adult.csv", "https://host.org/adult.csv?X-Amz-Signature=h1dd3n"],
)
def test_no_password_or_signature_gets_into_a_config_map(tmp_path: Path, source: str) -> None:
    path = write(tmp_path, data={"label": "cause", "source": source})
    with pytest.raises(
        ConfigError, match=r"a ConfigMap: .*--upload; got 'https://host\.org/adult\.csv'$"
    ) as refused:
        read_for_cluster(path)
    assert "h1dd3n" not in str(refused.value)
    assert (
        read_for_cluster(
            write(tmp_path, data={"label": "cause", "source": "https://host.org/adult.csv"})
        )[2]
        is None
    )
