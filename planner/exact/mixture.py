"""Knows mixtures of Erlang laws: the wait when a random number of completions of rate `rate` must come
first.
"""

from dataclasses import dataclass
from math import exp

import numpy as np
from scipy import special

from planner.laws.named import Vector


@dataclass(frozen=True, slots=True)
class ErlangMixture:
    """W is the sum of N exponentials of `rate`, with P(N > n) = `above[n]`, geometric with `ratio` past the
    end.

    P(W > t) = sum over n of P(N > n) · Poisson(n; rate·t): every term is positive, so nothing cancels.
    """

    rate: float
    above: Vector
    ratio: float = 0.0

    @property
    def mean(self) -> float:
        beyond = self.above[-1] * self.ratio / (1.0 - self.ratio)
        return float((self.above.sum() + beyond) / self.rate)

    @property
    def is_geometric(self) -> bool:
        """From the start: who waits does so exponentially."""
        return len(self.above) == 1

    def tail(self, t: float) -> float:
        ticks = self.rate * t
        if ticks <= 0:
            return float(self.above[0])
        if self.is_geometric:
            return float(self.above[0]) * exp(-ticks * (1.0 - self.ratio))
        return self._listed(ticks) + self._beyond(ticks)

    def _listed(self, ticks: float) -> float:
        reach = 12.0 * np.sqrt(ticks) + 40.0
        first = max(0, int(ticks - reach))
        n = np.arange(first, min(len(self.above), int(ticks + reach) + 1))
        if len(n) == 0:
            return 0.0
        return float(np.exp(special.xlogy(n, ticks) - ticks - special.gammaln(n + 1)) @ self.above[n])

    def _beyond(self, ticks: float) -> float:
        if self.ratio == 0.0:
            return 0.0
        last = len(self.above) - 1
        share = special.gammainc(last + 1, self.ratio * ticks)
        if share == 0.0:
            return 0.0
        log_weight = -last * np.log(self.ratio) - ticks * (1.0 - self.ratio)
        return float(self.above[-1] * np.exp(log_weight + np.log(share)))


def geometric_wait(prob_wait: float, ratio: float, rate: float) -> ErlangMixture:
    """Waits with P(W > t) = prob_wait · exp(-rate·(1 - ratio)·t)."""
    return ErlangMixture(rate, np.array([prob_wait]), ratio)
