"""Knows which exactly solvable queue resembles the one simulated, so that it can be run beside it as a
control.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from planner.exact import two_phase
from planner.exact.batches import batch_wait
from planner.exact.daily import daily_wait
from planner.exact.deterministic import deterministic_wait
from planner.exact.distributions import Distribution, quantile
from planner.exact.limits import clockwork, closed, loses
from planner.exact.load_twin import load_twin
from planner.exact.patience import impatient_wait
from planner.exact.phases import Crowd, arrival_phases, phase_type
from planner.exact.qbd import solve
from planner.exact.renewal_exponential import renewal_exponential_wait
from planner.fleet import Fleet
from planner.laws.arrivals import Arrivals, BatchPoisson, Poisson, PoissonClasses, Profile, Renewal, Sinusoid
from planner.laws.coupling import from_exponential
from planner.laws.named import Deterministic, Exponential, Gamma, IoThenCpu, Law, Mixture, Vector, scv
from planner.simulation import fcfs
from planner.simulation.bull_draws import Draw
from planner.simulation.crowd_control import CrowdControl, crowd_control
from planner.simulation.fluid_control import FluidControl, fluid_control
from planner.workload import Workload

# A twin of two phases on more slots takes longer to solve than it saves.
MOST_SLOTS = 80
# Above this squared coefficient of variation a few huge jobs make the third moment; a twin that has it sees no others.
HEAVY = 10.0


@dataclass(frozen=True)
class Control:
    """A first-come-first-served queue with like arrivals and a service law that theory can handle.

    `interval` is given where the arrivals are renewals of a twin law, driven by the same chance; else they
    are the same arrivals.
    """

    waits: Distribution
    service: Law
    slots: int
    patience: Law | None = None
    interval: Law | None = None

    @cached_property
    def marks(self) -> Vector:
        """Waits at which the tail is compared: 0 and three quantiles."""
        return np.unique([0.0, *(quantile(self.waits, level) for level in (0.5, 0.9, 0.95, 0.99))])

    @cached_property
    def truth(self) -> Vector:
        return np.array([self.waits.mean, *(self.waits.tail(t) for t in self.marks)])

    def run(self, draw: Draw, warmup: int) -> Vector:
        """Excess over the truth in one replication."""
        times = draw.arrivals.times
        if self.interval is not None and draw.arrivals.intervals is not None:
            times = np.cumsum(from_exponential(self.interval, draw.arrivals.intervals))
        service = from_exponential(self.service, draw.unit)
        waits = fcfs.waits(times, service, self.slots, draw.patience if self.patience else None)
        return self.excess(waits[warmup:])

    def excess(self, waits: Vector) -> Vector:
        """Mean wait and tails of one run, less their true values."""
        found = np.array([waits.mean(), *(np.count_nonzero(waits > t) / len(waits) for t in self.marks)])
        return np.asarray(found - self.truth)


def twin(law: Law) -> Law:
    """A law of at most two exponential phases with the same mean and, where it can, the same variability."""
    if phase_type(law) is not None and isinstance(law, Exponential | Mixture) and len(_parts(law)) <= 2:
        return law
    variability = scv(law)
    if variability > 1.05:
        return _hyperexponential(law, variability)
    return Gamma(2.0, law.mean) if variability < 0.75 else Exponential(law.mean)


def _parts(law: Law) -> tuple[Law, ...]:
    return law.laws if isinstance(law, Mixture) else (law,)


def _hyperexponential(law: Law, variability: float) -> Mixture:
    """Two exponentials with the law's first three moments, or with balanced means where there is no such
    pair.
    """
    m1, m2, m3 = law.mean, law.moment(2) / 2.0, law.moment(3) / 6.0
    gap = m2 - m1 * m1
    total, product = (m3 - m1 * m2) / gap, (m1 * m3 - m2 * m2) / gap
    root = total * total - 4.0 * product
    if root > 0 and product > 0:
        fast, slow = (total - np.sqrt(root)) / 2.0, (total + np.sqrt(root)) / 2.0
        share = (slow - m1) / (slow - fast)
        if 0.0 < share < 1.0 and fast > 0:
            return Mixture((share, 1.0 - share), (Exponential(float(fast)), Exponential(float(slow))))
    share = (1.0 + np.sqrt((variability - 1.0) / (variability + 1.0))) / 2.0
    return Mixture((share, 1.0 - share), (Exponential(m1 / (2 * share)), Exponential(m1 / (2 * (1 - share)))))


# Asked again for the same queue and another seed.
@lru_cache(maxsize=64)
def controls_for(workload: Workload, fleet: Fleet) -> tuple[Control | CrowdControl | FluidControl, ...]:
    """All controls that fit, the one that tells most first: few replications leave room for few; none is fine."""
    flow = (_fluid(workload, fleet),)
    chance = (_resembling(workload, fleet), _limit(workload, fleet), _crowd(workload, fleet))
    found = (*flow, *chance) if fleet.pause else (*chance, *flow)
    return tuple(control for control in found if control is not None)


def _fluid(workload: Workload, fleet: Fleet) -> FluidControl | None:
    arrivals = clockwork(workload, fleet)
    if arrivals is None or isinstance(workload.service, IoThenCpu) or loses(workload, fleet):
        return None
    return fluid_control(arrivals, workload.service, fleet.slots, closed(arrivals, fleet))


def _crowd(workload: Workload, fleet: Fleet) -> CrowdControl | None:
    if not isinstance(workload.arrivals, Poisson | PoissonClasses) or isinstance(workload.service, IoThenCpu):
        return None
    if fleet.slots <= MOST_SLOTS and scv(workload.service) < 10.0:
        return None
    return crowd_control(workload.service, workload.arrivals.per_second, fleet.slots)


def _resembling(workload: Workload, fleet: Fleet) -> Control | None:
    """The control, or None where nothing near is solvable or stable."""
    service = workload.service
    if isinstance(service, IoThenCpu):
        service = Exponential(service.mean)
    if workload.patience is not None:
        return _impatient(workload, fleet, service)
    load = workload.arrivals.per_second * service.mean
    if load >= 0.995 * fleet.slots:
        return None
    return _patient(workload.arrivals, fleet.slots, service)


def _limit(workload: Workload, fleet: Fleet) -> Control | None:
    """M/D/c for the rate limit: `max` starts a window are `max` servers that take a window each."""
    limit = fleet.rate_limit
    if limit is None or not isinstance(workload.arrivals, Poisson | PoissonClasses) or workload.patience:
        return None
    rate = workload.arrivals.per_second
    if rate >= 0.999 * limit.per_second or limit.max > 5000:
        return None
    waits = deterministic_wait(limit.max, rate, limit.window_seconds)
    return Control(waits, Deterministic(limit.window_seconds), limit.max)


def _impatient(workload: Workload, fleet: Fleet, service: Law) -> Control | None:
    if not isinstance(workload.arrivals, Poisson | PoissonClasses) or workload.patience is None:
        return None
    waits = impatient_wait(fleet.slots, workload.arrivals.per_second, service.mean, workload.patience)
    return Control(waits, Exponential(service.mean), fleet.slots, workload.patience)


def _patient(arrivals: Arrivals, slots: int, service: Law) -> Control | None:
    plain = Exponential(service.mean)
    if isinstance(arrivals, Poisson | PoissonClasses) and scv(service) > HEAVY and slots <= MOST_SLOTS:
        resembling = load_twin(service)
        law = Mixture((1.0 - resembling.slow, resembling.slow), tuple(map(Exponential, resembling.means)))
        return Control(two_phase.wait(arrivals.per_second, resembling, slots), law, slots)
    if isinstance(arrivals, BatchPoisson):
        return Control(batch_wait(slots, arrivals, plain.mean), plain, slots)
    if isinstance(arrivals, Sinusoid | Profile):
        daily = daily_wait(slots, arrivals, plain.mean)
        return Control(daily.overall, plain, slots) if daily else None
    near = plain if slots > MOST_SLOTS else twin(service)
    phases = phase_type(near)
    if isinstance(arrivals, PoissonClasses):
        arrivals = Poisson(arrivals.per_second)
    interval = None
    if isinstance(arrivals, Renewal) and phase_type(arrivals.interval) is None and slots <= MOST_SLOTS:
        interval = twin(arrivals.interval)
        arrivals = Renewal(interval)
    process = arrival_phases(arrivals)
    if process is not None and phases is not None and len(process.quiet) <= 3:
        return Control(solve(process, Crowd(phases, slots)).wait, near, slots, interval=interval)
    if isinstance(arrivals, Renewal):
        return Control(renewal_exponential_wait(slots, arrivals.interval, plain.mean), plain, slots)
    return None
