"""Experiment: what is asked for, run here or submitted to a cluster."""

import logging
import tempfile
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import yaml

from tuner_job.api.estimators import written
from tuner_job.api.run import OnProgress, Run
from tuner_job.api.tables import Comparison
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.load import check_experiment, load_experiment
from tuner_job.errors import ConfigError
from tuner_job.problem import Prepared, prepare
from tuner_job.wording import plain

_log = logging.getLogger(__name__)


class Experiment:
    """An experiment, as an experiment file has it.

    Parameters
    ----------
    config
        What is asked for, checked.
    """

    def __init__(self, config: ExperimentConfig, path: Path | None = None):
        self.config = config
        self._path = path

    def __repr__(self) -> str:
        return f"Experiment({self.config.name}: {', '.join(self.config.models)})"

    @classmethod
    def from_file(cls, path: str | Path, results: str | None = None) -> "Experiment":
        """Read an experiment file.

        Parameters
        ----------
        results
            Where results go, instead of what the file says.

        Raises
        ------
        ConfigError
            With every problem, each with its key.
        """
        config = load_experiment(Path(path))
        if results is not None:
            return cls(config.model_copy(update={"results": results}))
        return cls(config, Path(path))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], folder: str | Path = ".") -> "Experiment":
        """Take what an experiment file would hold; ``class`` of an estimator may be a class or an
        instance.

        Parameters
        ----------
        folder
            From which relative paths in it are taken, and where own modules stand.

        Raises
        ------
        ConfigError
            As `from_file`.
        """
        content = dict(content)
        if estimators := content.get("estimators"):
            spaces = (content.get("tuning") or {}).get("search_spaces")
            content["estimators"] = written(estimators, spaces if isinstance(spaces, dict) else {})
        copied = yaml.safe_load(yaml.safe_dump(_plain(content, "")))  # checking fills it in
        return cls(check_experiment(copied, "the experiment", Path(folder)))

    def prepare(self) -> Prepared:
        """Read and check the data, and lay out folds; nothing is written.

        Raises
        ------
        InputError
            The data cannot be used.
        """
        return prepare(self.config)

    def run(
        self,
        *,
        workers: int | None = None,
        on_progress: OnProgress | None = None,
        take_over: bool = False,
        wait: bool = True,
    ) -> Run:
        """Run it here, or go on where an earlier run of it stopped.

        Parameters
        ----------
        workers
            Processes that fit models; None: one a CPU.
        on_progress
            Called with each new `ProgressRecord` while it is waited for.
        take_over
            If another run of it is going on, stop that and go on here.
        wait
            False: return at once; see `Run.wait`.

        Raises
        ------
        InputError
            The data, the results location or the workers cannot be used; nothing was written.
        RunError
            The search could not go on; finished trials are kept.
        """
        from tuner_job.api.local import LocalRun

        run = LocalRun(self.prepare(), workers, take_over)
        return run.wait(on_progress=on_progress) if wait else run

    def compare(self, *, workers: int | None = None, output: str | None = None) -> Comparison:
        """Compare its models across sites, as its section `comparison` says, or go on with it.

        Parameters
        ----------
        workers
            Processes that fit models; None: one a CPU.
        output
            Where the comparison goes; None: below its results by its name.

        Raises
        ------
        VaTuningError
            Something given cannot be used, or the comparison could not go on.
        """
        from tuner_job.comparison.compare import Place, compare, place_of  # only few need it
        from tuner_job.comparison.settings import Runtime

        place = Place(output or place_of(self.config))
        compare(self.config, place, Runtime(workers), _log.info)
        return Comparison(place.url)

    def submit(
        self,
        namespace: str | None = None,
        *,
        context: str | None = None,
        release: str = "va-tuning",
        own_cluster: bool = False,
        upload: bool = False,
        owner: str | None = None,
        image: str = "",
        endpoint: str | None = None,
    ) -> Run:
        """Run it on a cluster; the arguments are the options of ``va-tuning submit``.

        Raises
        ------
        ConfigError, ClusterError
            It cannot be submitted; nothing was created.
        """
        from tuner_job.api.on_cluster import ClusterRun  # brings the Kubernetes client
        from tuner_job.cluster.kube import Kube
        from tuner_job.cluster.owner import whoever_submits
        from tuner_job.cluster.submit import Asked, build, submit
        from tuner_job.cluster.template import Located, read_template
        from tuner_job.cluster.told import Release

        kube = Kube(context, namespace)
        asked = Asked(own_cluster, upload, owner or whoever_submits(kube.context), image)
        with tempfile.TemporaryDirectory() as folder:
            path = self._path or self._written(Path(folder))
            made = build(path, asked, lambda: Located(read_template(kube, release), kube.namespace))
            submit(kube, made, endpoint)
        return ClusterRun(Release(kube, release, endpoint), self.config.name)

    def _written(self, folder: Path) -> Path:
        path = folder / f"{self.config.name}.yaml"
        path.write_text(yaml.safe_dump(self.config.document(), sort_keys=False), encoding="utf-8")
        for name, text in self.config.own_modules.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        return path


def _plain(value: Any, key: str) -> Any:
    """What a YAML file can hold of a value.

    Raises
    ------
    ConfigError
        It can hold nothing of the kind.
    """
    if isinstance(value, Mapping):
        items = ((_scalar(name, key), one) for name, one in value.items())
        return {name: _plain(one, f"{key}.{name}".lstrip(".")) for name, one in items}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), key)
    if isinstance(value, list | tuple):
        return [_plain(one, key) for one in value]
    return _scalar(value, key)


def _scalar(value: Any, key: str) -> Any:
    """Likewise: a path as text, a number of NumPy or of an enumeration as one of Python."""
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Enum):
        return _scalar(value.value, key)
    if isinstance(value, PurePath):
        return str(value)
    if value is None or type(value) in (bool, date, datetime):
        return value
    for kind, of_numpy in ((str, np.str_), (int, np.integer), (float, np.floating)):
        if isinstance(value, kind | of_numpy):
            return kind(value)
    raise ConfigError(
        f"the experiment: {plain(key, 80)}: must be text, a number, a list or a dict; got "
        f"{plain(type(value).__name__, 60)}"
    )
