"""A race: early stopping with one level for the whole search.

`PairedTest` states the chance of an error each time that it is asked. A race states it once:
`level` is the chance, over the order of the configurations and of the folds, that the configuration
that would have won the exhaustive search is given up. That takes a known number of tests, which
grid and random search have and others lack.

**Why few tests can go wrong.** Configurations come in random order, a batch (those that share a
fit) at a time, and a
trial is judged against the best one among the batches told when its own was asked. The winner can
be lost only where
a *record* is given up, a batch that holds the best configuration so far: if every record stays, the
one that a later
record is judged by is the best of all batches told, whatever else was given up, and the record is
at least level with
it. So an error in any other test is harmless. In random order the b-th of B batches is a record
with chance 1/b, there
are H(B) = 1 + 1/2 + … + 1/B of them on average (Rényi 1962), and the first 1 + `lag` are not judged
at all, since a
judge needs trials of two batches. Each record that is judged meets N - 1 tests on N folds.
Bonferroni over those alone
gives every test the level::

    level / ((N - 1) (H(B) - H(1 + lag)))

A bound over all tests that are made, B (N - 1) or more, would be valid too and stop far later.

**What a single test supposes.** The t-test of `PairedTest`: folds in exchangeable order,
differences between two
configurations about normal, and as variable as those pooled. Hoeffding races (Maron & Moore 1994)
and empirical
Bernstein stopping (Mnih, Szepesvári & Audibert 2008) suppose nothing but a range, and pay for it:
their bounds
shrink like range / n, for hundreds of cases, and on 5 folds whose scores lie in 0 … 1 never exclude
anything. F-race
(Birattari et al. 2002) tests by ranks, each time at the full level. Where a trial is scored as a
whole and folds are
judged in several views, all of which must condemn it, the level holds as far as one of the views
decides as that
score does.

References
----------
Rényi (1962), Théorie des éléments saillants d'une suite d'observations. Maron & Moore (1994),
Hoeffding races, NIPS 6.
Birattari, Stützle, Paquete & Varrentrapp (2002), A racing algorithm for configuring metaheuristics,
GECCO.
Mnih, Szepesvári & Audibert (2008), Empirical Bernstein stopping, ICML.
"""

import math

from tuner_job.search.early_stopping import PairedTest

_SUMMED = 1_000_000
"""Terms of a harmonic number that are summed; those beyond are close to an integral."""


def race(level: float, n_folds: int, n_values: int, n_batches: int, lag: int) -> PairedTest:
    """Return the paired test at the level that keeps the whole search at `level`.

    Parameters
    ----------
    level
        Chance that the winner of the exhaustive search is given up, 0 to 0.5.
    n_values
        How many values a fold's score has.
    n_batches
        How many batches will be asked, in random order; fewer may be, if a budget ends the search.
    lag
        Batches under way at once.
    """
    return PairedTest(level / max(1.0, expected_tests(n_folds, n_batches, lag)), n_folds, n_values)


def expected_tests(n_folds: int, n_batches: int, lag: int) -> float:
    """How many tests of record-holding configurations are expected: those in which an error
    could lose the winner."""
    summed = min(n_batches, _SUMMED)
    beyond = (
        math.log((n_batches + 0.5) / (max(summed, lag + 1) + 0.5))
        if n_batches > max(summed, lag + 1)
        else 0.0
    )
    return (n_folds - 1) * (sum(1 / position for position in range(lag + 2, summed + 1)) + beyond)
