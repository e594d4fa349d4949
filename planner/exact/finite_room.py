"""Knows M/M/c with finite room: who finds it full is lost."""

import numpy as np
from scipy import special

from planner.exact.mixture import ErlangMixture
from planner.laws.named import Vector


def states(slots: int, places: int, offered_load: float) -> Vector:
    """P(n jobs in the system), n = 0..places."""
    n = np.arange(places + 1)
    busy = np.minimum(n, slots)
    log_p = special.xlogy(n, offered_load) - special.gammaln(busy + 1) - (n - busy) * np.log(slots)
    p = np.exp(log_p - log_p.max())
    return np.asarray(p / p.sum())


def finite_room_wait(slots: int, places: int, offered_load: float, service_seconds: float) -> ErlangMixture:
    """The wait of the jobs that get in."""
    accepted = states(slots, places, offered_load)[:-1]
    accepted = accepted / accepted.sum()
    queued = accepted[slots:]
    above = np.cumsum(queued[::-1])[::-1] if len(queued) else np.zeros(1)
    return ErlangMixture(slots / service_seconds, above)
