"""What the driver could not read as an experiment file is refused before anything is made."""

from typing import Any

import pytest

from tests.unit.operator.conftest import World, experiment
from tuner_job.cluster.objects import Object


def _deep(depth: int) -> Object:
    inner: Object = {}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


@pytest.mark.parametrize("depth", [60, 250])
def test_one_that_is_nested_too_deeply_is_refused_and_others_run(world: World, depth: int) -> None:
    world.apply("deep", experiment=experiment(data=_deep(depth)))
    world.apply("adult")
    world.look()
    assert world.cluster.names("rayjobs") == ["adult"]
    status, reason, message = world.condition("Accepted", "deep")
    assert (status, reason) == ("False", "Invalid")
    assert "must be nested at most 50 deep" in message


def test_one_that_is_longer_than_an_experiment_file_may_be_is_refused(world: World) -> None:
    causes = {f"{i:0100}": "other" for i in range(2_500)}
    data: dict[str, Any] = {"source": "s3://deaths/adult.csv", "label": "cause", "causes": causes}
    world.apply(experiment=experiment(data=data))
    world.look()
    assert world.cluster.names("rayjobs") == []
    status, _, message = world.condition("Accepted")
    assert status == "False"
    assert "must have at most 262,144 bytes" in message
