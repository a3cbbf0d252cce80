"""Generated verbal autopsies, for demonstrations and tests where no real file is at hand.

They have what makes the real ones hard: causes of very unequal frequency, sites that differ both in
how often a cause occurs and in what it looks like, causes with several courses, symptoms that many
causes share, missing answers.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuner_job.data.codebook import Feature
from tuner_job.data.config import SyntheticConfig
from tuner_job.data.dataset import IntArray, VaDataset

FloatMatrix = NDArray[np.float64]

_CAUSES = (
    *("Pneumonia", "Diarrhoea", "Malaria", "Stroke", "Tuberculosis", "Road traffic injury", "AIDS"),
    *(
        "Ischaemic heart disease",
        "Cirrhosis",
        "Diabetes",
        "Chronic kidney disease",
        "Sepsis",
        "Meningitis",
    ),
    *(
        "Maternal haemorrhage",
        "Lung cancer",
        "Breast cancer",
        "Measles",
        "Drowning",
        "Falls",
        "Burns",
        "Suicide",
    ),
    *(
        "Asthma",
        "Epilepsy",
        "Stomach cancer",
        "Colorectal cancer",
        "Cervical cancer",
        "Leukaemia",
        "Poisoning",
    ),
    *(
        "Snake bite",
        "Homicide",
        "Hypertensive disease",
        "Preterm birth",
        "Birth asphyxia",
        "Dengue",
        "Typhoid",
    ),
    *("Hepatitis", "Malnutrition", "Pertussis", "Oesophageal cancer", "Prostate cancer"),
)

# Chosen so that untuned models reach about the accuracy that they reach on PHMRC data: near .45 in
# 5-fold cross-validation, and clearly less at a site that was left out.
_FREQUENCY_DECAY = 0.5  # weight of the j-th most frequent cause: 1 / j**decay
_SITE_CONCENTRATION = 40.0  # of the Dirichlet from which a site draws its CSMF: lower differs more
_COURSES = 3  # courses a cause can take, each with some symptoms of its own
_LINKED = 0.09  # share of symptoms that a cause makes more or less likely
_EFFECT = 1.15  # log odds
_SITE_EFFECT = 1.3  # how far a site shifts the effect of a cause, log odds
_SITE_HABIT = 0.6  # how far a site shifts how often a symptom is reported at all, log odds
_SEVERITY = 0.7  # how far all symptoms of one death rise and fall together, log odds


def generate(config: SyntheticConfig) -> VaDataset:
    """Generate verbal autopsies; equal `config`, equal result, to the last bit.

    Returns
    -------
    A data set with ``n_symptoms`` 0/1 features, then age (years), sex (1: female) and days of
    illness. Every
    cause and every site occurs.
    """
    rng = np.random.default_rng(config.seed)
    site = _cover(rng, np.full((config.n_samples, config.n_sites), 1.0 / config.n_sites))
    y = _cover(rng, _site_csmfs(rng, config)[site])
    symptoms = _symptoms(rng, config, y, site)
    X = np.column_stack([symptoms, _person(rng, config, y)]).astype(np.float32)
    X[rng.random(X.shape) < _missing_rates(rng, config, X.shape[1])[site]] = np.nan
    order = np.argsort(np.array(_CAUSES[: config.n_causes]))
    return VaDataset(
        X=X,
        y=np.argsort(order).astype(np.int32)[y],
        site=site,
        causes=tuple(sorted(_CAUSES[: config.n_causes])),
        sites=_numbered("Site", config.n_sites),
        features=_features(config),
        notes=(f"Synthetic data: {config.n_samples} deaths generated with seed {config.seed}.",),
    )


def _numbered(stem: str, n: int) -> tuple[str, ...]:
    return tuple(f"{stem} {number:0{len(str(n))}d}" for number in range(1, n + 1))


def _features(config: SyntheticConfig) -> tuple[Feature, ...]:
    names = [name.replace(" ", "_") for name in _numbered("symptom", config.n_symptoms)]
    return tuple(Feature(name, name) for name in (*names, "age_years", "female", "days_ill"))


def _cover(rng: Generator, probabilities: FloatMatrix) -> IntArray:
    """Draw one class a row of `probabilities`, (n, k), and see to it that each class occurs
    twice or more."""
    n, k = probabilities.shape
    above = rng.random((n, 1)) > np.cumsum(probabilities, axis=1)[:, :-1]
    drawn: IntArray = above.sum(axis=1, dtype=np.int32)
    drawn[rng.permutation(n)[: 2 * k]] = np.repeat(np.arange(k, dtype=np.int32), 2)
    return drawn


def _site_csmfs(rng: Generator, config: SyntheticConfig) -> FloatMatrix:
    """(n_sites, n_causes) cause-specific mortality fractions."""
    common = 1.0 / np.arange(1, config.n_causes + 1) ** _FREQUENCY_DECAY
    concentration = _SITE_CONCENTRATION * common / common.sum()
    csmfs: FloatMatrix = rng.dirichlet(concentration, size=config.n_sites)
    return csmfs


def _symptoms(rng: Generator, config: SyntheticConfig, y: IntArray, site: IntArray) -> FloatMatrix:
    """(n_samples, n_symptoms) zeros and ones."""
    causes, sites, symptoms = config.n_causes, config.n_sites, config.n_symptoms
    usual = rng.normal(-1.7, 0.9, size=symptoms)
    effect = _sparse_effects(rng, (causes, symptoms), _LINKED)
    course_effect = _sparse_effects(rng, (causes, _COURSES, symptoms), _LINKED / 2)
    linked = effect != 0
    site_effect = rng.normal(0.0, _SITE_EFFECT, size=(sites, causes, symptoms)) * linked
    habit = rng.normal(0.0, _SITE_HABIT, size=(sites, symptoms))
    course = rng.integers(_COURSES, size=len(y))
    severity = rng.normal(0.0, _SEVERITY, size=(len(y), 1))
    logit = (
        usual + effect[y] + course_effect[y, course] + site_effect[site, y] + habit[site] + severity
    )
    present: FloatMatrix = (rng.random(logit.shape) < 1.0 / (1.0 + np.exp(-logit))).astype(
        np.float64
    )
    return present


def _sparse_effects(rng: Generator, shape: tuple[int, ...], share: float) -> NDArray[np.float64]:
    signed = rng.choice([1.0, 1.0, 1.0, -1.0], size=shape) * rng.gamma(
        4.0, _EFFECT / 4.0, size=shape
    )
    effects: FloatMatrix = np.where(rng.random(shape) < share, signed, 0.0)
    return effects


def _person(rng: Generator, config: SyntheticConfig, y: IntArray) -> FloatMatrix:
    """(n_samples, 3): age in years, sex, days of illness."""
    age = rng.normal(rng.uniform(30.0, 60.0, config.n_causes)[y], 20.0)
    female = rng.random(len(y)) < rng.beta(5.0, 5.0, config.n_causes)[y]
    days = rng.lognormal(rng.uniform(1.0, 3.5, config.n_causes)[y], 1.2)
    return np.column_stack([np.clip(age, 0.0, 100.0).round(1), female, days.round()])


def _missing_rates(rng: Generator, config: SyntheticConfig, n_features: int) -> FloatMatrix:
    """(n_sites, n_features): each site asks some questions less well than others."""
    if config.missing == 0:
        return np.zeros((config.n_sites, n_features))
    odds = (1.0 - config.missing) / config.missing
    rates: FloatMatrix = rng.beta(2.0, 2.0 * odds, size=(config.n_sites, n_features))
    return rates
