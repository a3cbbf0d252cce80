"""The process that draws: it reads trials, renders a page's content into files, and ends.

It alone of the room loads what figures and summaries need, so that the server stays small. On
standard output it says how far it is, one JSON object a line.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from markupsafe import Markup

from tuner_job.errors import VaTuningError
from tuner_job.experiment.so_far import summary_so_far
from tuner_job.process.unexpected import describe
from tuner_job.records import ExperimentSummary
from tuner_job.report.figures import style
from tuner_job.report.figures.several import best_so_far
from tuner_job.report.page import frame, render_content
from tuner_job.report.scales import declared_scales
from tuner_job.report.text import visible
from tuner_job.report.trials import Trials
from tuner_job.results.claim import read_document
from tuner_job.web.job import CONTENT, FACTS, PAGE, Job, Target
from tuner_job.web.kept_trials import KeptTrials
from tuner_job.web.place import experiment_at
from tuner_job.web.templates import templates
from tuner_job.wording import MOST_ITEMS

_NICE = 10  # a search beside it goes first
_STYLE = re.compile(r"<style[^>]*>[^<]*</style>")
"""Of figures; the page's own style sheet says the same, and its policy lets in no other."""


def main(text: str) -> int:
    """Do the `Job` that a text describes; return the exit code."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    job = Job.model_validate_json(text)
    try:
        facts = _experiment(job) if job.kind == "experiment" else _several(job)
    except VaTuningError as error:
        _say(error=str(error))
        return error.exit_code
    except MemoryError:
        _say(error="there is not enough memory to draw this page")
        return 1
    except Exception as error:
        _say(error=describe(error))
        return 1
    _write(job.out / FACTS, json.dumps(facts))
    return 0


def _experiment(job: Job) -> dict[str, Any]:
    """Draw the report of one experiment: its content alone, and as a page of its own."""
    store, summary = _read(job, job.targets[0])
    trials = {study.model: store.load_trials(study.model) for study in summary.studies}
    _say(doing="drawing figures")
    content = render_content(
        summary,
        store.provenance(),
        trials,
        declared_scales(read_document(store)),
        store.url,
        followed=bool(summary.unfinished),
    )
    _write(job.out / CONTENT, _STYLE.sub("", content))
    _write(job.out / PAGE, frame(summary.name, content))
    return {
        "n_damaged": len(store.damaged),
        "damaged": [one.sentence for one in store.damaged[:MOST_ITEMS]],
    }


def _several(job: Job) -> dict[str, Any]:
    """Draw several experiments side by side."""
    rows, searches, problems = [], {}, []
    for target in job.targets:
        try:
            store, summary = _read(job, target)
        except VaTuningError as error:
            problems.append(f"{target.name}: {error}")
            continue
        for study in summary.studies:
            rows.append({"target": target, "study": study, "summary": summary})
            if not study.members:
                own = Trials(store.load_trials(study.model), study.objectives[0])
                searches[f"{target.name}, {study.model}"] = own
    _say(doing="drawing figures")
    with style.applied():
        drawing = best_so_far(searches)
        content = templates().get_template("several.html").render(
            rows=rows,
            problems=problems,
            drawing=drawing if any(one.complete for one in searches.values()) else None,
            svg=Markup(style.to_svg(drawing, "f1")),
        )  # fmt: skip
    _write(job.out / CONTENT, _STYLE.sub("", visible(content)))
    return {"n_damaged": 0, "damaged": problems}


def _read(job: Job, target: Target) -> tuple[KeptTrials, ExperimentSummary]:
    store = KeptTrials(
        experiment_at(target.url, target.path),
        target.kept,
        lambda done, of: _say(read=done, of=of, name=target.name),
    )
    return store, summary_so_far(store)


def _write(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8", errors="replace")
    beside.replace(path)


def _say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
