"""A fault leaves a trace, and Ray's own words stay out of the progress."""

import json
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.integration.experiments import ON_RAY, run, start
from tests.integration.test_stopping import count, family, wait_for, write

pytestmark = pytest.mark.timeout(1800)

DEPTHS = {"random_forest": {"n_estimators": [3], "max_depth": [None, 4, 8]}}
FAILS = '''
import sys
from importlib.machinery import PathFinder


class Finder:
    """Have forests of one depth fail, in every process of the run."""

    def find_spec(self, name, path=None, target=None):
        if name != "tuner_job.models.random_forest":
            return None
        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            fit_path = module.RandomForest.fit_path

            def fit_or_fail(self, fold, params, values, seed):
                if params["max_depth"] == 4:
                    raise ArithmeticError("no forest of this depth: token=abc")
                return fit_path(self, fold, params, values, seed)

            module.RandomForest.fit_path = fit_or_fail

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Finder())
'''


@pytest.mark.parametrize("address", ["", "local"])
def test_a_fit_that_fails_leaves_its_traceback(address: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(FAILS)
    tuning = {"search_method": "grid", "cv_folds": 3, "search_spaces": DEPTHS}
    path = write(tmp_path, models=["random_forest"], tuning=tuning)
    results = tmp_path / "results"
    arguments = ("-vv", "tune", path, "--results", results, "--workers", "2")
    environment = {"PYTHONPATH": str(tmp_path), "RAY_ADDRESS": address}
    code, _, err = run(*arguments, environment=environment)
    assert code == 0, err

    model = results / "small" / "random_forest"
    records = [json.loads(found.read_text()) for found in model.glob("trials/*.json")]
    (failed,) = (record for record in records if record["state"] == "failed")
    assert failed["params"]["max_depth"] == 4
    assert failed["error"].startswith("ArithmeticError: no forest of this depth: token=… (fit_or_f")
    (kept,) = model.glob("errors/*")
    assert kept.name == f"{failed['trial']:06d}.txt"
    traceback = kept.read_text()
    assert "in score_fold" in traceback
    assert traceback.endswith("ArithmeticError: no forest of this depth: token=…\n")
    assert f"random_forest: trial {failed['trial']} failed: ArithmeticError" in err
    assert "in score_fold" in err
    assert ("Ray's own logs are in /" in err) == bool(address)


def test_ray_s_own_words_about_a_killed_worker_go_to_the_log_alone(tmp_path: Path) -> None:
    results, path = tmp_path / "results", write(tmp_path)
    arguments = ("-v", "tune", path, "--results", str(results), "--workers", "1")
    process = start(*arguments, environment=ON_RAY)
    # between two fits there is none
    wait_for(process, lambda: count(results, "trials/*.json") >= 2 and kill_a_fit(process))
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert "raylet" not in out
    said = [line for line in err.splitlines() if "raylet" in line]
    assert any("A worker died or was killed" in line for line in said), err
    assert all(" tuner_job.execution.ray_start: Ray (raylet): " in line for line in said)


def kill_a_fit(process: subprocess.Popen[str]) -> bool:
    """Kill a worker that is fitting; return whether one was."""
    for one in family(process):
        try:
            if one.cmdline()[0].startswith("ray::_"):
                one.kill()
                return True
        except (psutil.Error, IndexError):
            continue
    return False
