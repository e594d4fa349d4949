"""Knows the wait when jobs arrive in batches and service is exponential (M^X/M/c)."""

import numpy as np

from planner.exact.mixture import ErlangMixture
from planner.laws.arrivals import BatchPoisson
from planner.laws.named import Vector

NEGLIGIBLE = 1e-17


def batch_wait(slots: int, arrivals: BatchPoisson, service_seconds: float) -> ErlangMixture:
    """The wait of any job of a batch; the total load must be below the slots."""
    larger = _larger(arrivals)
    ahead = np.convolve(_states(slots, arrivals, service_seconds, larger), larger / larger.sum())
    queued = np.cumsum(ahead[::-1])[::-1][slots:]
    return ErlangMixture(slots / service_seconds, queued if len(queued) else np.zeros(1))


def _larger(arrivals: BatchPoisson) -> Vector:
    """P(batch size > k), k = 0 .. largest - 1."""
    k = np.arange(max(arrivals.sizes))
    return np.asarray((np.asarray(arrivals.sizes) > k[:, None]) @ np.asarray(arrivals.p))


def _states(slots: int, arrivals: BatchPoisson, service_seconds: float, larger: Vector) -> Vector:
    """P(n jobs in the system) from the balance of each cut: μ_n·p_n = β·Σ p_k·P(size >= n - k). No term is
    negative.
    """
    p = np.zeros(4096)
    p[0], total, n = 1.0, 1.0, 0
    backwards = larger[::-1]
    while n < slots or p[n] > NEGLIGIBLE * total:
        n += 1
        if n == len(p):
            p = np.append(p, np.zeros(len(p)))
        recent = p[max(0, n - len(larger)) : n]
        inflow = arrivals.batches_per_second * float(recent @ backwards[len(larger) - len(recent) :])
        p[n] = inflow * service_seconds / min(n, slots)
        total += p[n]
        if p[n] > 1e200:
            p, total = p / p[n], total / p[n]
    return np.asarray(p[: n + 1] / p[: n + 1].sum())
