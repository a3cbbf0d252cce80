"""Writes docs/experiment-file.md from the schema: python docs/experiment_reference.py"""

from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tuner_job import ExperimentConfig
from tuner_job.schema import descriptions

PAGE = Path(__file__).parent / "experiment-file.md"
HEAD = """# The experiment file

One YAML file says everything; unknown keys are refused, and all problems are reported together.
What each key of `data` does to a file, with examples: [data.md](data.md). This page is written by
`docs/experiment_reference.py`.

`va-tuning schema > experiment.schema.json` writes its JSON Schema (draft 2020-12). An editor that
knows YAML schemas (with the YAML language server: VS Code, Vim, Emacs and others) completes keys,
explains them and marks mistakes, if the file begins with
`# yaml-language-server: $schema=experiment.schema.json`. The `$id` of the schema names the version:
write it anew after an update.

Plain words are text: `no`, `on`, `012`, `12:30`, `2024-01-31` are read as written, and keys that
want yes or no or a number read such text themselves. Duplicate keys, tags, numbers that are not
finite, an anchor that holds itself, and files beyond 256 KiB, 10,000 values (those that aliases
repeat included) or 50 levels are refused, with line and column.

A search space gives each parameter a list of values, a range (`{low, high, step}` or `{low, high,
log: true}`), or values that exist only beside others (`{choices: [0.1, 0.5], when: {penalty:
elasticnet}}`); `forbid: [{penalty: elasticnet, solver: liblinear}]` excludes combinations, one
value a parameter; a combination of parameters that do not exist together excludes nothing. Steps
are exact decimals: `{low: 0.1, high: 1, step: 0.1}` holds 0.3. Values named by `when` and
`forbid` must be ones that the parameter has, and are read in its type (`3`, `"3"` and `3.0` are
one whole number). A space is counted and drawn from without being listed; a grid of more than a
million configurations needs `budget.max_trials`, `timeout` or `cpu_seconds` to end it. A folder
of spaces must have a file for each of the models. `va-tuning space xgboost` prints a model's
default space.

`scoring_metric: my_metrics:weighted_csmf` maximises a function of your own: `weighted_csmf` of
`my_metrics.py` beside the file (or of an installed module). It is given the probabilities `P`
(deaths × causes) of a test population, adjusted to the composition where the CSMF estimator does
that, with the numbers of the true causes `y` and of the sites `site` (places in the sorted lists),
and returns one finite number, higher is better. It is tried before anything is fitted. The text of
an own module, and of those beside it that it imports, travels with the experiment, to workers and
clusters, and is a part of what the experiment is.

Pages of their own have searches that Ray Tune runs (`asha`, `pbt`), [ray-tune.md](ray-tune.md), and
models of other packages and own modules, [estimators.md](estimators.md).
"""


def page() -> str:
    """Return the whole page."""
    return HEAD + "\n".join(section("", ExperimentConfig))


def section(key: str, model: type[BaseModel]) -> list[str]:
    """One table of keys, then the tables of the sections in it."""
    lines = [f"\n## `{key or 'top level'}`\n", "| key | default | meaning |", "|---|---|---|"]
    inner: list[str] = []
    for name, field in model.model_fields.items():
        nested = field.annotation if isinstance(field.annotation, type) else None
        if nested and issubclass(nested, BaseModel):
            inner += section(f"{key}.{name}".strip("."), nested)
            default = "see below"
        else:
            default = _default(field.get_default(call_default_factory=True))
            for named in get_args(field.annotation)[1:]:  # a section under a name of one's own
                if isinstance(named, type) and issubclass(named, BaseModel):
                    inner += section(f"{key}.{name}.NAME".strip("."), named)
        meaning = " ".join(descriptions(model).get(name, "").split()).replace("|", "\\|")
        lines.append(f"| `{name}` | {default} | {meaning} |")
    return lines + inner


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    return "none" if value is None else f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(page() + "\n", encoding="utf-8")
