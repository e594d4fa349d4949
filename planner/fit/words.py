"""Knows how a fitted queue is written in the words of the planner's file."""

from typing import Any

from planner.fit.fitting import Fitted
from planner.laws import arrivals
from planner.laws import named as laws
from planner.laws.named import Law
from planner.workload import Retries

DIGITS = 6


def rounded(value: float) -> float:
    """Six figures: more would be noise."""
    return float(f"{value:.{DIGITS}g}")


def law_words(law: Law) -> dict[str, Any]:
    """Raises TypeError for a law that is never fitted."""
    match law:
        case laws.Exponential():
            return {"law": "exponential", "mean": rounded(law.mean)}
        case laws.Deterministic():
            return {"law": "deterministic", "value": rounded(law.value)}
        case laws.Gamma():
            return {"law": "gamma", "mean": rounded(law.mean), "shape": rounded(law.shape)}
        case laws.Lognormal():
            return {"law": "lognormal", "mean": rounded(law.mean), "sigma": rounded(law.sigma)}
        case laws.Weibull():
            return {"law": "weibull", "mean": rounded(law.mean), "shape": rounded(law.shape)}
        case laws.Mixture():
            means = [rounded(part.mean) for part in law.laws]
            return {"law": "hyperexponential", "p": _shares(law.p), "means": means}
        case laws.Discrete():
            return {"law": "discrete", "values": [rounded(v) for v in law.values], "p": _shares(law.p)}
    raise TypeError(f"no words for {law}")


def _shares(p: tuple[float, ...]) -> list[float]:
    """Shares that sum to 1 within what the file's reader allows."""
    return [float(f"{share:.9g}") for share in p]


def arrival_words(process: arrivals.Arrivals) -> dict[str, Any]:
    match process:
        case arrivals.Poisson():
            return {"process": "poisson", "per_second": rounded(process.per_second)}
        case arrivals.Renewal():
            return {"process": "renewal", "interval": law_words(process.interval)}
        case arrivals.Profile():
            weights = [rounded(weight) for weight in process.weights]
            rate = {"mean_per_second": rounded(process.per_second), "period": process.period}
            return {"process": "profile", "weights": weights, **rate}
        case arrivals.Mmpp():
            rates = [rounded(rate) for rate in process.rates]
            switches = [rounded(rate) for rate in process.switch_per_second]
            return {"process": "mmpp", "per_second": rates, "switch_per_second": switches}
    raise TypeError(f"no words for {process}")


def retry_words(retries: Retries, delay_known: bool) -> dict[str, Any]:
    words: dict[str, Any] = {"failure_ratio": rounded(retries.failure_ratio), "attempts": retries.attempts}
    if delay_known:
        words["delay"] = rounded(retries.delay_seconds)
        words["backoff"] = retries.backoff
    return words


def queue_words(fitted: Fitted, name: str) -> dict[str, Any]:
    """The queue's entry; slots only where they are known or a lower bound was seen."""
    workload = fitted.workload
    assert workload is not None and fitted.service is not None
    words: dict[str, Any] = {"name": name}
    if fitted.slots.count is not None:
        words["slots"] = fitted.slots.count
    words["arrivals"] = arrival_words(workload.arrivals)
    words["service"] = law_words(fitted.service.fitted.law)
    if workload.retries is not None:
        words["retries"] = retry_words(workload.retries, fitted.failures.delay_known)
    payload = fitted.observed.payload
    if payload is not None and payload.mean_bytes:
        words["payload_bytes"] = rounded(payload.mean_bytes)
    return words
