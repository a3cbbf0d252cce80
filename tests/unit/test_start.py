"""What commands load before they need it: each library costs everybody's patience and memory."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.contracts.runner import shared_data
from tests.unit.stored import DEATHS, copy
from tuner_job.execution.fold_task import score_together
from tuner_job.execution.local.launch import launcher
from tuner_job.execution.local.pool import Pool
from tuner_job.execution.local.tasks import PoolTasks
from tuner_job.models import FAMILIES
from tuner_job.search.trial import FoldTask

pytestmark = pytest.mark.slow

HEAVY = (
    "ray", "matplotlib", "optuna", "sklearn", "xgboost", "pandas", "pyarrow", "kubernetes",
    "prefect", "scipy", "obstore", "jinja2", "numpy", "pydantic", "rich", "yaml",
)  # fmt: skip
PROGRAM = """
import sys
from tuner_job.cli.main import main

sys.argv = ["va-tuning", *sys.argv[2:]]
watch = {watch!r}
if watch:  # what is there when a module is asked for
    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name == watch:
                print("LOADED", *sys.modules)
            return None

    sys.meta_path.insert(0, Finder())
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
if not watch:
    print("LOADED", *sys.modules)
"""


def loaded(*arguments: str | Path, watch: str = "") -> set[str]:
    """Heavy libraries that a command loads until it ends, or asks for a module first."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(watch=watch), "va-tuning", *arguments],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("LOADED")][:1]
    names = line.split()
    assert not {"pyarrow.parquet", "pyarrow.compute"} & set(names)
    return {name.partition(".")[0] for name in names} & set(HEAVY)


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    content = {
        "name": "small",
        "data": {"source": str(DEATHS), "label": "cause", "site": "site"},
        "models": ["random_forest", "xgboost"],
        "tuning": {
            "search_method": "random",
            "n_trials": 5,
            "cv_folds": 2,
            "search_spaces": {
                "random_forest": {"n_estimators": [3], "max_depth": [1, 2, 3, 4, 5]},
                "xgboost": {"n_estimators": [3]},
            },
        },
        "results": str(tmp_path / "results"),
    }
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("command", [["--help"], ["tune", "--help"], ["--version"]])
def test_help(command: list[str]) -> None:
    assert loaded(*command) <= {"yaml"}


def test_show(tmp_path: Path) -> None:
    copy(tmp_path / "results")
    reading = {"numpy", "pydantic", "rich", "yaml", "pyarrow"}
    assert loaded("show", tmp_path / "results") <= reading


def test_validate(experiment: Path) -> None:
    reading = {"numpy", "pydantic", "rich", "yaml", "pyarrow"}
    assert loaded("validate", "--no-estimate", experiment) <= reading


def test_a_search_fits_nothing_in_the_driver_and_draws_at_its_end(experiment: Path) -> None:
    """Models are fitted and parameters are weighed in workers."""
    searching = {"numpy", "pydantic", "rich", "yaml", "pyarrow", "scipy"}
    report = {"matplotlib", "jinja2"}
    assert loaded("tune", experiment, "--workers", "2") <= searching | report
    results = experiment.parent / "results"
    shutil.rmtree(results)
    asked = loaded("tune", experiment, "--workers", "2", watch="tuner_job.report")
    assert asked <= searching


def test_a_worker_takes_along_what_its_fits_need_and_no_more() -> None:
    launcher().load([name for family in FAMILIES.values() for name in family.libraries])
    pool = Pool(1)
    tasks = PoolTasks(pool, 0)
    data = tasks.share(shared_data())
    for model in FAMILIES:
        params = FAMILIES[model].Parameters.model_validate({}).model_dump()
        tasks.start(score_together, (data, model, [FoldTask(0, 0, params, (), (0,), (0,))]), model)
    while len(tasks):
        for ended in tasks.wait():
            ((_, _, failure),) = ended.value[0]
            assert failure is None
    tasks.start(eval, ("sorted(__import__('sys').modules)",), "loaded")
    (ended,) = tasks.wait()
    pool.close()
    assert {"sklearn", "xgboost"} < set(ended.value)
    unwanted = {"pandas", "pyarrow", "matplotlib", "optuna", "ray", "prefect", "kubernetes"}
    assert not unwanted & set(ended.value)
