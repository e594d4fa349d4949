"""Knows how attempts failed and came back: the ratios with their bands, the attempts allowed and the delays between."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from planner.fit.estimates import Estimate, share
from planner.fit.observed import Observed
from planner.workload import Retries

Backoff = Literal["fixed", "exponential", "bull_exponential"]
# The second delay over the first: BullMQ doubles it, Bull takes 2**k - 1.
GROWTH: dict[Backoff, float] = {"fixed": 1.0, "exponential": 2.0, "bull_exponential": 3.0}
FEW_DELAYS = 5
MOST_ATTEMPTS = 25


@dataclass(frozen=True, slots=True)
class FittedFailures:
    """`attempt` fails of attempts, `final` failed of jobs; `retries` is None where nothing failed."""

    attempt: Estimate
    final: Estimate
    retried: Estimate
    retries: Retries | None
    delay_known: bool
    doubts: tuple[str, ...] = ()


def fit_failures(seen: Observed) -> FittedFailures:
    finished = seen.finished
    if finished is None or seen.failed is None:
        unknown = Estimate.unknown(seen.absent.get("failed", f"{seen.source} does not tell what failed"))
        return FittedFailures(unknown, unknown, unknown, None, False, (f"failures unknown: {unknown.why}",))
    final = share(seen.failed, finished)
    retried = seen.retried
    if retried is None:
        why = seen.absent.get("requeued", f"{seen.source} does not tell how often jobs were tried again")
        unknown = Estimate.unknown(why)
        single = Retries(final.value or 0.0, 1, 0.0) if seen.failed else None
        return FittedFailures(unknown, final, unknown, single, False, (f"retries unknown: {why}",))
    attempts = finished + retried
    attempt, again = share(seen.failed + retried, attempts), share(retried, attempts)
    return _with_retries(seen, attempt, final, again)


def _with_retries(seen: Observed, attempt: Estimate, final: Estimate, again: Estimate) -> FittedFailures:
    if not attempt.value:
        return FittedFailures(attempt, final, again, None, True)
    allowed, doubts = _attempts_allowed(seen, attempt.value, final)
    delay, backoff = _delay(seen)
    if seen.retried and seen.source in ("exporter", "prometheus"):
        doubts.append("a retry, a move to delayed and a rate limit look alike: all are taken as retries")
    if delay is None and seen.retried:
        doubts.append("delay before a retry unknown, taken as none: a trace would tell it")
    retries = Retries(min(attempt.value, 1.0), allowed, delay or 0.0, backoff)
    return FittedFailures(attempt, final, again, retries, delay is not None, tuple(doubts))


def _attempts_allowed(seen: Observed, attempt_ratio: float, final: Estimate) -> tuple[int, list[str]]:
    """From the most attempts of a job that failed, else from the two ratios: final = attempt ** attempts."""
    if seen.failed and seen.attempts_most is not None:
        return seen.attempts_most, []
    if final.value and 0 < attempt_ratio < 1:
        guess = max(2 if seen.retried else 1, round(math.log(final.value) / math.log(attempt_ratio)))
        return min(guess, MOST_ATTEMPTS), _about_guess(guess, attempt_ratio, final)
    if not seen.retried:
        return 1, []
    least = seen.attempts_most or 2
    while least < MOST_ATTEMPTS and final.count * attempt_ratio**least >= 1.0:
        least += 1
    return least, [f"no job failed for good: attempts allowed unknown, taken as {least}"]


def _about_guess(guess: int, attempt_ratio: float, final: Estimate) -> list[str]:
    found = [f"attempts allowed inferred from the two failure ratios: {guess}"]
    implied = attempt_ratio**guess
    if final.low is not None and final.high is not None and not final.low <= implied <= final.high:
        found.append(
            f"{guess} attempts that fail alike would lose {implied:.2g} of the jobs, {final.value:.2g} were: "
            "some jobs fail more than others, or have fewer attempts"
        )
    return found


def _delay(seen: Observed) -> tuple[float | None, Backoff]:
    """Seconds before the first retry, and how they grow; None where the source does not tell."""
    if not seen.retry_delays or not len(seen.retry_delays[0]):
        return None, "fixed"
    first = float(np.median(seen.retry_delays[0]))
    if len(seen.retry_delays) < 2 or len(seen.retry_delays[1]) < FEW_DELAYS or first <= 0:
        return first, "fixed"
    grown = float(np.median(seen.retry_delays[1])) / first
    return first, min(GROWTH, key=lambda name: abs(GROWTH[name] - grown))
