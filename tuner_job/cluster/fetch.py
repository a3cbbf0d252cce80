"""Copying an experiment's results from the cluster's store to a folder."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from tuner_job.cluster.kube import Kube
from tuner_job.cluster.storage import open_results
from tuner_job.cluster.template import read_template
from tuner_job.errors import ClusterError
from tuner_job.results.store import Store

_READERS = 8


def fetch(kube: Kube, name: str, release: str, output: Path) -> tuple[Path, int]:
    """Copy everything below an experiment; what is there already is written over.

    Returns
    -------
    The experiment's folder in `output`, and the number of objects copied.

    Raises
    ------
    ClusterError
        There is no such experiment, or it has no results yet.
    StoreError
        The store refuses.
    """
    template = read_template(kube, release)
    target = Store(str(output))
    with open_results(kube, template, _results_of(kube, name, template.results)) as store:
        paths = store.paths(name)
        if not paths:
            raise ClusterError(f"{store.url}/{name}: holds no results yet; see va-tuning status {name}")

        def copy(path: str) -> None:
            if (content := store.get(path)) is not None:
                target.put(path, content)

        with ThreadPoolExecutor(_READERS) as readers:
            list(readers.map(copy, paths))
    return output / name, len(paths)


def _results_of(kube: Kube, name: str, otherwise: str) -> str:
    """Where the experiment's own file says that its results go."""
    found = kube.get("ConfigMap", name)
    if found is None:
        return otherwise
    experiment = yaml.safe_load(found["data"]["experiment.yaml"])
    return str(experiment.get("results", otherwise))
