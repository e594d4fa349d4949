"""Knows how to make the same arrivals come faster, or a law of durations longer, and leave its shape as it is."""

import math
from dataclasses import replace
from typing import Any

from planner import arrivals, laws


def faster(given: Any, factor: float) -> Any:
    """Arrivals `factor` times as many a second. Bursts come as often as before, each with more jobs."""
    match given:
        case arrivals.Renewal():
            return replace(given, interval=longer(given.interval, 1.0 / factor))
        case arrivals.PoissonClasses():
            return replace(given, rates=tuple(rate * factor for rate in given.rates))
        case arrivals.Mmpp(rates=(first, second)):
            return replace(given, rates=(first * factor, second * factor))
        case arrivals.BatchPoisson():
            return replace(given, batches_per_second=given.batches_per_second * factor)
    return replace(given, per_second=given.per_second * factor)


def longer(law: Any, factor: float) -> Any:
    """Durations `factor` times as long."""
    match law:
        case laws.Lognormal():
            return replace(law, log_mean=law.log_mean + math.log(factor))
        case laws.Discrete():
            return replace(law, values=tuple(value * factor for value in law.values))
        case laws.Mixture():
            return replace(law, laws=tuple(longer(part, factor) for part in law.laws))
        case laws.BoundedPareto():
            return replace(law, low=law.low * factor, high=law.high * factor)
        case laws.Weibull():
            return replace(law, scale=law.scale * factor)
        case laws.Deterministic():
            return replace(law, value=law.value * factor)
    return replace(law, mean=law.mean * factor)
