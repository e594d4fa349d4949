"""Knows how a workload is made of what was observed: each number with its band, its sample size and its doubts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from planner.fit import laws as fit_laws
from planner.fit.arrivals import FittedArrivals, fit_arrivals
from planner.fit.buckets import Laws, nearest_laws, of_buckets, scv_bounds
from planner.fit.estimates import Estimate, mean_of, scv_of
from planner.fit.failures import FittedFailures, fit_failures
from planner.fit.laws import FittedLaw
from planner.fit.observed import Buckets, Observed
from planner.fit.slots import Slots, slots_of
from planner.laws.named import Deterministic, Exponential
from planner.workload import Workload

FEW_JOBS = 200
# Where every attempt took less than the clock's step, this is the most it can have been.
CLOCK_STEP_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class FittedService:
    """The law of one attempt's working time."""

    fitted: FittedLaw
    mean: Estimate
    scv: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What `observed` says of a queue. `workload` is None, and `why` says so, where arrivals or service are unknown."""

    observed: Observed
    workload: Workload | None
    arrivals: FittedArrivals | None
    service: FittedService | None
    failures: FittedFailures
    slots: Slots
    doubts: tuple[str, ...]
    why: str = ""

    @property
    def utilisation(self) -> float | None:
        """Share of the slots that the work keeps busy; too high where the slots are a lower bound."""
        if self.workload is None or self.slots.count is None:
            return None
        return self.workload.offered_load / self.slots.count


def fit_all(asked: Sequence[tuple[Observed, int | None]]) -> list[Fitted]:
    """As `fit` answers of each; the laws of their services are looked for together, which is many times quicker."""
    places = [place for place, (seen, _) in enumerate(asked) if _is_law_unknown(seen)]
    near = nearest_laws([_mean_and_buckets(asked[place][0]) for place in places])
    laws = dict(zip(places, near, strict=True))
    return [_fit(seen, slots, laws.get(place, ())) for place, (seen, slots) in enumerate(asked)]


def _is_law_unknown(seen: Observed) -> bool:
    """Whether buckets alone tell of the service's law."""
    sums, buckets = seen.service, seen.durations
    return (
        seen.service_sample is None
        and buckets is not None
        and buckets.total > 0
        and sums is not None
        and sums.scv is None
        and (sums.mean or 0.0) > 0
    )


def _mean_and_buckets(seen: Observed) -> tuple[float, Buckets]:
    assert seen.service is not None and seen.service.mean is not None and seen.durations is not None
    return seen.service.mean, seen.durations


def fit(observed: Observed, slots: int | None = None) -> Fitted:
    """The workload of a queue as far as it was observed; `slots` is what the user says of its capacity."""
    return _fit(observed, slots, ())


def _fit(observed: Observed, slots: int | None, near: Laws) -> Fitted:
    arrivals, service, missing = None, None, []
    try:
        arrivals = fit_arrivals(observed)
    except LookupError as error:
        missing.append(f"arrivals: {error.args[0]}")
    try:
        service = fit_service(observed, near)
    except LookupError as error:
        missing.append(f"service: {error.args[0]}")
    failures = fit_failures(observed)
    doubts = [*observed.doubts, *_losses(observed)]
    doubts += arrivals.doubts if arrivals else ()
    doubts += _about_service(service) if service else ()
    doubts += failures.doubts
    workload = None
    if arrivals is not None and service is not None:
        count = int(min(arrivals.rate.count, service.mean.count))
        workload = Workload(arrivals.process, service.fitted.law, failures.retries, sample_size=count)
        if count < FEW_JOBS:
            doubts.append(f"only {count} jobs seen: every number is rough")
    known = slots_of(observed, slots)
    return Fitted(
        observed,
        workload,
        arrivals,
        service,
        failures,
        known,
        tuple(dict.fromkeys(doubts)),
        "; ".join(missing),
    )


def fit_service(seen: Observed, near: Laws = ()) -> FittedService:
    """`near`: the laws nearest to the buckets, if known. Raises LookupError, with the reason, without service times."""
    sums = seen.service
    if sums is None or sums.mean is None:
        raise LookupError(seen.absent.get("service", f"no attempt ended in {seen.seconds:,.0f} s"))
    if sums.mean <= 0:
        law = FittedLaw(
            Deterministic(CLOCK_STEP_SECONDS),
            "shorter than the clock's step",
            ("every attempt took less than 1 ms: taken as 1 ms, the most it can be",),
        )
        return FittedService(
            law, Estimate(0.0, 0.0, CLOCK_STEP_SECONDS, sums.count), Estimate.unknown("as short")
        )
    if seen.service_sample is not None:
        found = fit_laws.of_sample(seen.service_sample)
    elif seen.durations is not None and seen.durations.total > 0:
        found = of_buckets(sums, seen.durations, near)
    else:
        why = "no buckets: law unknown, taken as exponential; a trace would tell it"
        found = FittedLaw(Exponential(sums.mean), "for want of anything that tells more", (why,))
    return FittedService(
        found, replace(mean_of(found.law, sums.count), value=sums.mean), _service_scv(seen, found)
    )


def _service_scv(seen: Observed, found: FittedLaw) -> Estimate:
    """Measured where the squares are known, else as wide as the buckets leave it."""
    sums = seen.service
    assert sums is not None and sums.mean is not None
    if sums.scv is not None:
        return scv_of(found.law, sums.scv, sums.count)
    why = "squares of durations unknown: the exporter's square sums, or a trace, would tell"
    if seen.durations is None:
        return Estimate.unknown(why)
    low, high = scv_bounds(sums.mean, seen.durations)
    return Estimate.unknown(why, low, high)


def _about_service(service: FittedService) -> list[str]:
    doubts = list(service.fitted.doubts)
    scv = service.scv
    if scv.value is None and scv.high is not None:
        doubts.append(f"variability of service between {scv.low:.2g} and {scv.high:.2g}: {scv.why}")
    return doubts


def _losses(seen: Observed) -> list[str]:
    if not seen.lost:
        return []
    of = f" beside {seen.finished:,.0f} jobs that ended" if seen.finished else ""
    return [f"{seen.lost:,.0f} events lost{of}: counts are too low by as much"]
