"""Compositions under which a sample is likely, and how likely it is under a whole distribution of
them."""

import numpy as np

from tuner_job.types import Floats

TOLERANCE = 1e-5
"""Largest change of a fraction at which an iteration has converged."""
MAX_ITERATIONS = 500


def most_likely(counts: Floats, likelihood: Floats, pseudo: Floats, start: Floats) -> Floats:
    """Maximise ``sum_i counts_i log sum_j pi_j likelihood_ij + sum_j pseudo_j log pi_j`` over
    compositions pi, by expectation maximisation.

    Parameters
    ----------
    counts : (n_populations, n_items)
    likelihood : (n_items, n_classes)
        Of each item under each cause, up to a factor an item.
    pseudo : (n_variants, n_populations, n_classes)
        Pseudo-deaths: a Dirichlet prior on the composition.
    start : (n_classes,)

    Returns
    -------
    (n_variants, n_populations, n_classes)
    """
    n_variants, _, n_classes = pseudo.shape
    seen, added = np.tile(counts, (n_variants, 1)), pseudo.reshape(-1, n_classes)
    total = seen.sum(axis=1, keepdims=True) + added.sum(axis=1, keepdims=True)
    now = np.tile(start, (len(added), 1))
    found, moving = np.empty_like(now), np.arange(len(added))
    # in place: small samples have thousands of such searches, and numpy's calls cost more than sums
    for _ in range(MAX_ITERATIONS):
        shares = now @ likelihood.T
        np.divide(seen, shares, out=shares)
        after = shares @ likelihood
        after *= now
        after += added
        after /= total
        now -= after
        moves = np.abs(now, out=now).max(axis=1) > TOLERANCE
        now = after
        if not moves.all():
            found[moving] = now
            if not moves.any():
                return found.reshape(pseudo.shape)
            moving, now = moving[moves], now[moves]
            seen, added, total = seen[moves], added[moves], total[moves]
    found[moving] = now
    return found.reshape(pseudo.shape)


def log_evidence(
    counts: Floats, likelihood: Floats, alphas: Floats, powers: Floats, fractions: Floats
) -> Floats:
    """Logarithm of how likely one sample is where its composition comes from a Dirichlet
    distribution.

    By Laplace's method at the most likely composition, in the coordinates log pi. The prior's own
    integral is taken in the same way, so that what the method gets wrong of both cancels: a sample
    that says nothing is equally likely under all distributions.

    Parameters
    ----------
    counts : (n_items,)
    likelihood : (n_items, n_classes)
    alphas : (n_variants, n_classes)
        Parameters of the Dirichlet distributions, above 0.
    powers : (n_variants,)
        Of the likelihood: what an item counts for, 0 to 1.
    fractions : (n_variants, n_classes)
        Most likely compositions.

    Returns
    -------
    (n_variants,), up to a constant of the sample.

    Source: Tierney and Kadane 1986, JASA 81(393).
    """
    of_items = fractions @ likelihood.T
    total = alphas.sum(axis=1)
    reached = powers * (np.log(of_items) @ counts)
    reached += (alphas * np.log(fractions * total[:, None] / alphas)).sum(axis=1)
    responsible = fractions[:, None, :] * likelihood / of_items[:, :, None]
    weighed = responsible * counts[:, None]
    curvature = powers[:, None, None] * (weighed.transpose(0, 2, 1) @ responsible)
    deaths = powers * counts.sum() + total
    curvature -= deaths[:, None, None] * fractions[:, :, None] * fractions[:, None, :]
    diagonal = np.arange(alphas.shape[1])
    curvature[:, diagonal, diagonal] += alphas
    free = np.delete(diagonal, alphas.sum(axis=0).argmax())  # fractions sum to 1: one follows
    _, spread = np.linalg.slogdet(curvature[:, free][:, :, free])
    of_prior = np.log(alphas).sum(axis=1) - np.log(total)
    return np.asarray(reached - (spread - of_prior) / 2)
