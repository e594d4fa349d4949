"""Knows the wait in GI/M/c: independent intervals of any law, exponential service (Takács 1962)."""

import numpy as np
from scipy import optimize, special

from planner.exact.mixture import ErlangMixture, geometric_wait
from planner.laws.named import Law, scv


def renewal_exponential_wait(slots: int, interval: Law, service_seconds: float) -> ErlangMixture:
    """The wait with utilisation below 1: zero, or exponential with rate slots·(1 - σ)/service_seconds."""
    ratio = _ratio(slots, interval, service_seconds)
    j = np.arange(1, slots + 1)
    transform = np.real(interval.laplace(j / service_seconds))
    log_c = np.cumsum(np.log(transform) - np.log1p(-transform))
    distance = slots * (1.0 - ratio) - j
    distance = np.where(np.abs(distance) < 1e-9, 1e-9, distance)
    # Numerator and denominator change sign at the same j, so all terms are positive.
    share = (slots * (1.0 - transform) - j) / distance
    log_binomial = special.gammaln(slots + 1) - special.gammaln(j + 1) - special.gammaln(slots - j + 1)
    # Where a term is beyond 1e300 nobody ever waits.
    terms = np.exp(np.minimum(log_binomial - log_c - np.log1p(-transform), 690.0)) * share
    first = 1.0 / (1.0 / (1.0 - ratio) + terms.sum())
    return geometric_wait(float(first / (1.0 - ratio)), ratio, slots / service_seconds)


def _ratio(slots: int, interval: Law, service_seconds: float) -> float:
    """σ, the root below 1 of σ = E[exp(-slots·(1-σ)·X/service_seconds)]."""

    def excess(gap: float) -> float:
        return float(np.real(interval.laplace(slots * gap / service_seconds))) - (1.0 - gap)

    small = (1.0 - service_seconds / (slots * interval.mean)) / (1.0 + scv(interval)) * 1e-3
    return 1.0 - float(optimize.brentq(excess, small, 1.0, xtol=1e-15, rtol=1e-14))
