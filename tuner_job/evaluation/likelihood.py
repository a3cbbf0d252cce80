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
    # a column each; small samples have thousands of them, and numpy's calls cost more than sums
    added = np.ascontiguousarray(pseudo.reshape(-1, n_classes).T)
    seen = np.tile(counts.T, n_variants)
    total = seen.sum(axis=0) + added.sum(axis=0)
    now = np.repeat(start[:, None], added.shape[1], axis=1)
    found, place = now.copy(), np.arange(added.shape[1])
    moving = np.ones(len(place), dtype=bool)
    for _ in range(MAX_ITERATIONS):
        shares = likelihood @ now
        np.divide(seen, shares, out=shares)
        after = likelihood.T @ shares
        after *= now
        after += added
        after /= total
        now -= after
        arrived = moving & (np.abs(now, out=now).max(axis=0) <= TOLERANCE)
        now = after
        if arrived.any():
            found[:, place[arrived]] = now[:, arrived]
            moving &= ~arrived
            if not moving.any():
                break
            if moving.mean() < 7 / 8:  # what is left is copied: not for each
                left = np.flatnonzero(moving)
                now, seen, added = (each.take(left, axis=1) for each in (now, seen, added))
                place, total, moving = place[left], total[left], moving[left]
    found[:, place[moving]] = now[:, moving]
    return np.ascontiguousarray(found.T).reshape(pseudo.shape)


def log_evidence(
    counts: Floats, likelihood: Floats, alphas: Floats, powers: Floats, fractions: Floats
) -> Floats:
    """Logarithm of how likely each sample is where its composition comes from a Dirichlet
    distribution.

    By Laplace's method at the most likely composition, in the coordinates log pi. The prior's own
    integral is taken in the same way, so that what the method gets wrong of both cancels: a sample
    that says nothing is equally likely under all distributions.

    Parameters
    ----------
    counts : (n_populations, n_items)
    likelihood : (n_items, n_classes)
    alphas : (n_variants, n_classes)
        Parameters of the Dirichlet distributions, above 0.
    powers : (n_variants, n_populations)
        Of the likelihood: what an item counts for, 0 to 1.
    fractions : (n_variants, n_populations, n_classes)
        Most likely compositions.

    Returns
    -------
    (n_variants, n_populations), up to a constant of each sample.

    Source: Tierney and Kadane 1986, JASA 81(393).
    """
    of_items = fractions @ likelihood.T
    total, alphas = alphas.sum(axis=1, keepdims=True), alphas[:, None]
    reached = powers * (np.log(of_items) * counts).sum(axis=2)
    reached += (alphas * np.log(fractions * total[:, None] / alphas)).sum(axis=2)
    responsible = fractions[:, :, None, :] * likelihood / of_items[:, :, :, None]
    weighed = responsible * counts[:, :, None]
    curvature = powers[:, :, None, None] * (weighed.swapaxes(2, 3) @ responsible)
    deaths = powers * counts.sum(axis=1) + total
    curvature -= deaths[:, :, None, None] * fractions[:, :, :, None] * fractions[:, :, None, :]
    diagonal = np.arange(alphas.shape[2])
    curvature[:, :, diagonal, diagonal] += alphas
    free = np.delete(diagonal, alphas.sum(axis=(0, 1)).argmax())  # fractions sum to 1
    _, spread = np.linalg.slogdet(curvature[:, :, free][:, :, :, free])
    of_prior = np.log(alphas).sum(axis=2) - np.log(total)
    return np.asarray(reached - (spread - of_prior) / 2)
