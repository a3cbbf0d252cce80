"""What the page of new deaths says, in whole sentences and plain words."""

from collections.abc import Sequence

from tuner_job.data.codebook import FEWEST_DEATHS
from tuner_job.data.fitting import HowRead
from tuner_job.prediction.groups import FEW_DEATHS
from tuner_job.prediction.predict import Predicted
from tuner_job.records import CsmfEstimator
from tuner_job.report.deaths_rows import ByGroup, CauseRow, Tile
from tuner_job.report.text import count, metric_label, number, percent, thousands
from tuner_job.wording import listed

_N_LEADING = 5
_MANY_DOUBTFUL = 0.25
"""Share of deaths with doubtful answers from which on the page warns."""
_MODELS = {
    "xgboost": "boosted trees (XGBoost)",
    "random_forest": "a random forest",
    "logistic_regression": "logistic regression",
    "naive_bayes": "naive Bayes",
}
_SCHEMES = {
    "stratified": "with causes composed as in training",
    "leave_one_site_out": "each site by a model that had seen nothing of it",
    "dirichlet": "in populations whose causes are composed otherwise than in training",
    "shift": "in populations whose causes are composed as was stated for the experiment",
}
_ESTIMATORS = {
    "count": "by counting most probable causes",
    "mean": "as mean probabilities",
}


def lead(causes: Sequence[CauseRow], n_rows: int) -> str:
    """Name the leading causes."""
    first = causes[: min(_N_LEADING, len(causes))]
    together = sum(one.fraction for one in first)
    named = ", ".join(
        f"{one.name} {percent(one.fraction)} % ({percent(one.low)}–{percent(one.high)})"
        for one in first
    )
    return (
        f"The leading causes of these {count(n_rows, 'death')} are {named}; together they are "
        f"{percent(together)} % of deaths. In brackets stands the 95 % range."
    )


def changed(causes: Sequence[CauseRow]) -> str:
    """Say where these deaths differ most from those of training."""
    apart = [one for one in causes if not one.low <= one.training <= one.high]
    if not apart:
        return (
            "No cause’s share among the deaths that the model learnt from lies outside its 95 % "
            "range here."
        )
    most = sorted(apart, key=lambda one: -abs(one.fraction - one.training))[:3]
    named = "; ".join(
        f"{one.name} {percent(one.fraction)} % here, {percent(one.training)} % there"
        for one in most
    )
    return (
        f"For {len(apart)} of {count(len(causes), 'cause')} the share among the deaths that the "
        f"model learnt from lies outside the 95 % range; the largest differences: {named}."
    )


def certainty(tiles: Sequence[Tile], n_rows: int) -> str:
    """Say of how many single deaths the cause is fairly sure."""
    return (
        f"The first cause of {thousands(tiles[0].n)} of {count(n_rows, 'death')} "
        f"({percent(tiles[0].share)} %) has a probability above 80 %; that of "
        f"{thousands(tiles[2].n)} ({percent(tiles[2].share)} %) below 50 %."
    )


def cautions(predicted: Predicted) -> list[str]:
    """What a reader must know before all else."""
    found = []
    if predicted.n_rows < FEW_DEATHS:
        found.append(f"These are fewer than {FEW_DEATHS} deaths: their shares say little.")
    doubtful = float((predicted.deaths.n_doubtful > 0).mean())
    if doubtful > _MANY_DOUBTFUL:
        found.append(
            f"{percent(doubtful)} % of the deaths have answers that the model does not know."
        )
    if "in-sample" in predicted.seen and "none of them" not in predicted.seen:
        known = "are" if "cannot be told" not in predicted.seen else "may be"
        found.append(
            f"Some or all of these deaths {known} among those that the model learnt from, so that "
            "it does better on them than on others."
        )
    return found


def gap(by: ByGroup) -> str:
    """Say that groups need not add up, and by how much they do not."""
    return (
        "Each group’s shares are estimated from its own deaths, so groups need not add up to all "
        "deaths. Weighted by their deaths, the largest difference is "
        f"{percent(by.gap.size)} percentage points: {by.gap_cause} has {percent(by.gap.summed)} % "
        f"by groups and {percent(by.gap.whole)} % in all deaths."
    )


def hidden(by: ByGroup) -> str:
    """Say how many groups are not named."""
    verb = "is" if by.n_hidden == 1 else "are"
    return (
        f"{count(by.n_hidden, 'group')} of fewer than {FEWEST_DEATHS} deaths {verb} not shown "
        "here, since a name might tell who died; the table of fractions has all."
    )


def estimator(chosen: CsmfEstimator) -> str:
    """Say in a few words how shares are made of probabilities."""
    return _ESTIMATORS.get(
        chosen.method, "as the composition of causes that explains all their answers together best"
    )


def covered(tested: bool) -> str:
    """Say what an interval speaks of.

    Parameters
    ----------
    tested
        Whether intervals reckon with the errors that the model made on deaths of known cause.
    """
    if not tested:
        return (
            "They say how much a share would differ if other deaths of the same population had "
            "been recorded: the fewer the deaths, the wider the range."
        )
    return (
        "They say within which range the true share among these deaths lies. They reckon with how "
        "few the deaths are, how well these tell causes apart, and the errors that the model made "
        "on deaths of known cause that it had not learnt from, however their causes were mixed."
    )


def not_covered(tested: bool) -> str:
    """Say what an interval does not speak of; see `covered`."""
    if tested:
        return (
            "They hold for deaths that look like those that the model learnt from. They do not "
            "cover a place or a time where an illness looks or is told otherwise, errors in the "
            "causes that the model learnt from, nor deaths that were never recorded: there the "
            "true shares lie outside of them far more often than in 5 of 100 cases."
        )
    return (
        "They do not cover what the model gets wrong in the same way for many deaths (causes that "
        "look alike, a place where an illness looks or is told otherwise than in training, errors "
        "in the causes that the model learnt from), nor deaths that were never recorded. The true "
        "shares therefore lie outside of them more often than in 5 of 100 cases, and far more "
        "often for a place or a time that the model has not learnt from."
    )


def coverage(measured: float | None) -> str:
    """Say how often intervals held the truth in tests; empty if it was not measured."""
    if measured is None:
        return ""
    return (
        f"In tests on deaths of known cause, {percent(measured)} % of such ranges held the true "
        "share."
    )


def read(how: HowRead, n_rows: int) -> list[str]:
    """Say what was answered and what was not known; columns by name, cells by count."""
    found = []
    if how.n_unread or how.n_outside:
        found.append(
            f"{count(how.n_unread, 'answer')} {'was' if how.n_unread == 1 else 'were'} none that "
            f"the model knows and counted as none of the known ones; "
            f"{count(how.n_outside, 'number')} {'lies' if how.n_outside == 1 else 'lie'} outside "
            "those of training."
        )
        most = [f"{name} ({count(n, 'death')})" for name, n in list(how.doubtful.items())[:5]]
        found.append(
            f"Questions with doubtful answers: {len(how.doubtful)}, most of all {listed(most)}."
        )
    else:
        found.append("Every answer is one that the model knows.")
    if how.empty:
        found.append(
            f"{count(len(how.empty), 'question')} that the model uses "
            f"{'was' if len(how.empty) == 1 else 'were'} answered for no death: "
            f"{listed(how.empty, 5)}."
        )
    found.append(
        "A question without an answer is no error: most questions are asked for some deaths only."
    )
    return found


def model(predicted: Predicted) -> str:
    """Say which model predicted, what it learnt from, and why it was taken."""
    family = predicted.choice.model
    trained, study = predicted.trained, predicted.study
    learnt = ""
    if trained:
        sites = f" from {count(len(trained.sites), 'site')}" if len(trained.sites) > 1 else ""
        n_rows = study.fitted_on.n_rows if study and study.fitted_on else trained.n_samples
        learnt = f" It learnt from {count(n_rows, 'death')} with a known cause{sites}."
    why = predicted.choice.reason
    taken = f" Of several models it was taken because it {_verb(why)}." if why else ""
    return f"The model is {_MODELS.get(family, family)}.{learnt}{taken}"


def _verb(reason: str) -> str:
    return reason if reason.startswith("leads") else f"is {reason}"


def tested(predicted: Predicted) -> str:
    """Say on what the model was tested."""
    before = "It was tested on deaths of known cause that it had not seen"
    if predicted.trained is None:
        return f"{before}."
    return f"{before}, {_SCHEMES.get(predicted.trained.scheme, predicted.trained.scheme)}."


def optimism(predicted: Predicted) -> str:
    """Say how much the tests flatter the model."""
    study = predicted.study
    if study is None or study.optimism is None:
        return "The model was chosen by these same tests, so they are a little too good."
    if number(study.optimism) == number(0):
        return "The model was chosen by these same tests, which hardly flatters it by estimate."
    return (
        "The model was chosen by these same tests; its "
        f"{metric_label(study.objectives[0])} is estimated to be {number(study.optimism)} too high "
        "for that."
    )
