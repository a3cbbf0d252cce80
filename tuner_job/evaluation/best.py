"""Which of several tuned models is the best one."""

from collections.abc import Sequence

import numpy as np

from tuner_job.evaluation.metrics import LABELS
from tuner_job.models import rank_of
from tuner_job.records import BestModel, Candidate, ExperimentSummary, StudySummary
from tuner_job.wording import counted, listed


def best_of(summary: ExperimentSummary) -> BestModel | None:
    """What an experiment says of its best model; made of its studies where an earlier version did
    not say."""
    return summary.best_model or best_model(summary.studies)


def best_model(studies: Sequence[StudySummary], missing: Sequence[str] = ()) -> BestModel | None:
    """Return the best of an experiment's models; None if none has a score.

    The one leads whose best score in the first objective is highest once its optimism is taken
    off. If a simpler family is hardly behind, it is taken instead: if the difference is not above
    its standard error over folds. Models share the folds, so that is the error of the paired
    difference. Of equally simple ones the best is taken.

    Parameters
    ----------
    missing
        Models of the experiment that have no result.

    Source: the rule of one standard error, Breiman et al. 1984, Classification and regression
    trees, section 3.4.3, between models.
    """
    scored = [study for study in studies if np.isfinite(_corrected(study))]
    if not scored:
        return None
    scored.sort(key=lambda study: (-_corrected(study), rank_of(study.model)))
    leader = scored[0]
    candidates = [_candidate(study, leader) for study in scored]
    near = [one for one in candidates if one.behind <= (one.error or 0.0)]
    taken = min(near, key=lambda one: (rank_of(one.model), one.behind))
    return BestModel(
        model=taken.model,
        metric=leader.objectives[0],
        candidates=candidates,
        missing=list(missing),
        reason=_reason(taken, candidates, leader) + _without(missing),
    )


def _corrected(study: StudySummary) -> float:
    """The best score less what it owes to being the best of many; NaN if there is none."""
    return study.best.scores.get(study.objectives[0], np.nan) - (study.optimism or 0.0)


def _candidate(study: StudySummary, leader: StudySummary) -> Candidate:
    return Candidate(
        model=study.model,
        score=_corrected(study),
        behind=_corrected(leader) - _corrected(study),
        error=None if study is leader else _paired_error(leader, study),
    )


def _paired_error(leader: StudySummary, study: StudySummary) -> float | None:
    metric = leader.objectives[0]
    first, other = (
        np.array([fold.get(metric, np.nan) for fold in one.best.folds]) for one in (leader, study)
    )
    if len(first) < 2 or len(other) != len(first) or not np.isfinite([first, other]).all():
        return None
    return float((first - other).std(ddof=1) / np.sqrt(len(first)))


def _reason(taken: Candidate, candidates: Sequence[Candidate], leader: StudySummary) -> str:
    metric, n_folds = LABELS.get(leader.objectives[0], leader.objectives[0]), len(leader.best.folds)
    if len(candidates) == 1:
        return f"the only model with a score: {metric} {taken.score:.3f}, optimism taken off"
    over = f"the standard error of the difference over {counted(n_folds, 'fold')}"
    first = candidates[0]
    if taken is not first:
        return (
            f"simpler than {first.model}, which leads in {metric} ({first.score:.3f}, optimism "
            f"taken off) by {taken.behind:.3f}; that is not above {over}, {taken.error or 0:.3f}"
        )
    other = min(candidates[1:], key=lambda one: one.behind)
    lead = (
        f"leads in {metric} ({first.score:.3f}, optimism taken off) by {other.behind:.3f} over "
        f"{other.model}"
    )
    if other.error is None:
        return f"{lead}; {over} is not known"
    if other.behind > other.error:
        return f"{lead}; {over} is {other.error:.3f}"
    return f"{lead}; that is not above {over}, {other.error:.3f}, but {other.model} is no simpler"


def _without(missing: Sequence[str]) -> str:
    if not missing:
        return ""
    have = "has" if len(missing) == 1 else "have"
    return f"; {listed(missing)} {have} no result, so this is the best of the others"
