"""Knows which queues are answered by a chain of phases, and up to which size that is worth its time.

Each solver takes the queue apart itself and answers None when the queue is not of its kind.
"""

from planner.exact.phase_room import solve_room
from planner.exact.phases import Crowd, arrival_phases, crowd_size, phase_type
from planner.exact.qbd import ArrivalPhases, solve
from planner.exact.shared_cpu import SharedCpu
from planner.exact.shared_cpu_processes import SharedCpuProcesses, count_states, sizes_of
from planner.exact.solved import OnlyMean, Solved
from planner.fleet import Fleet
from planner.laws.arrivals import Poisson
from planner.laws.named import Exponential, IoThenCpu
from planner.workload import Workload

# Larger chains take longer than a simulation that is sure to 0.4 %; with Poisson arrivals the wait costs little.
MOST_PHASES, MOST_PHASES_POISSON, MOST_LISTED = 700, 1_200, 20_000
# States of a chain with finite room in which jobs wait: each level is solved by itself, and followed tick by tick.
MOST_WAITING = 60_000
# States of all levels together of a chain of several processes: listed one by one, up to some 900 of them on one level.
MOST_SPREAD = 10_000


def solve_phases(workload: Workload, fleet: Fleet) -> Solved | None:
    """The answer of the chain that fits, or None."""
    phases = arrival_phases(workload.arrivals)
    if phases is None or workload.patience is not None or workload.retries is not None:
        return None
    if isinstance(workload.service, IoThenCpu):
        return _shared_cpu(workload, workload.service, fleet, phases)
    crowd = _crowd(workload, fleet, phases)
    if crowd is None:
        return None
    return _open(workload, phases, crowd) if fleet.places is None else _room(fleet, phases, crowd)


def _shared_cpu(workload: Workload, service: IoThenCpu, fleet: Fleet, phases: ArrivalPhases) -> Solved | None:
    if not isinstance(service.io, Exponential) or not isinstance(service.cpu, Exponential):
        return None
    machine = None if fleet.places is not None else _machine(service, fleet, len(phases.quiet))
    if machine is None:
        return None
    found = solve(phases, machine)
    held = found.mean_busy / workload.arrivals.per_second
    busy = found.mean_busy / fleet.slots
    # The mean stay is exact; its law is not that of wait plus an independent service, so only the mean is.
    scalars = {
        "util": busy,
        "mean_slot_occupancy": busy,
        "mean_service_stretched": held,
        "max_throughput": found.max_throughput,
    }
    return Solved(
        "chain of shared cores (QBD)", found.wait, OnlyMean(found.wait.mean + held), scalars=scalars
    )


def _machine(service: IoThenCpu, fleet: Fleet, quiet: int) -> SharedCpu | SharedCpuProcesses | None:
    """`quiet` are the phases of the arrivals."""
    io, cpu, slots = service.io.mean, service.cpu.mean, fleet.slots
    if fleet.processes == 1:
        return SharedCpu(slots, io, cpu, fleet.cores) if quiet * (slots + 1) <= MOST_PHASES else None
    sizes = sizes_of(slots, fleet.processes)
    if quiet * count_states(sizes) > MOST_SPREAD:
        return None
    return SharedCpuProcesses(sizes, io, cpu, fleet.cores)


def _crowd(workload: Workload, fleet: Fleet, phases: ArrivalPhases) -> Crowd | None:
    if isinstance(workload.service, IoThenCpu):
        return None
    law = phase_type(workload.service)
    if law is None or crowd_size(len(law.start), fleet.slots) > MOST_LISTED:
        return None
    crowd = Crowd(law, fleet.slots)
    most = MOST_PHASES_POISSON if len(phases.quiet) == 1 and fleet.places is None else MOST_PHASES
    return crowd if len(crowd.states(fleet.slots)) * len(phases.quiet) <= most else None


def _open(workload: Workload, phases: ArrivalPhases, crowd: Crowd) -> Solved:
    lowest = _rare_below(workload.offered_load) if isinstance(workload.arrivals, Poisson) else 0
    found = solve(phases, crowd, min(lowest, crowd.slots - 1))
    return Solved("MAP/PH/c chain (QBD, matrix-geometric; exact)", found.wait)


def _room(fleet: Fleet, phases: ArrivalPhases, crowd: Crowd) -> Solved | None:
    assert fleet.places is not None
    if (fleet.places - fleet.slots) * len(crowd.states(fleet.slots)) * len(phases.quiet) > MOST_WAITING:
        return None
    found = solve_room(phases, crowd, fleet.places)
    return Solved("MAP/PH/c chain with finite room (exact)", found.wait, lost=found.lost)


def _rare_below(offered_load: float) -> int:
    """Fewer busy slots than this are never seen: with Poisson arrivals they are at least Poisson many."""
    return max(0, int(offered_load - 9.0 * offered_load**0.5 - 10.0))
