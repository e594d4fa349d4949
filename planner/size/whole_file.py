"""Knows how all queues of a file are sized together: slots, processes, what they use of the budgets, hours of a day."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import Any

from planner import answers
from planner.exact.limits import ceiling, is_unstable
from planner.file.budget_words import PriceWords
from planner.file.queue_file import AskedFile, AskedQueue, with_slots
from planner.file.reading import read_objective
from planner.fleet import Fleet
from planner.laws.arrivals import Profile, Sinusoid
from planner.laws.named import IoThenCpu
from planner.predict import predict
from planner.size import joint, one_fewer
from planner.size import long_files as size_long
from planner.size.budget import spent, use
from planner.size.long_files import Each, Way, on_all_processors
from planner.size.processes import Split, split
from planner.size.sampled import Sampled
from planner.size.schedule import Shift, schedule
from planner.sizing import Plan, size, smallest
from planner.workload import Workload

# More event loops than this for one queue are not tried.
MOST_PROCESSES = 256


@dataclass(frozen=True, slots=True)
class Sized:
    """One queue's plan on `processes`; None where no number of slots meets the objective. `set_by` is what made the
    processes more than were given, `way` is how the queue was sized where the file is long.
    """

    queue: AskedQueue
    plan: Plan | None
    processes: int
    set_by: str
    shifts: tuple[Shift, ...] = ()
    way: Way | None = None

    @property
    def name(self) -> str:
        return self.queue.name


def sized_file(
    file: AskedFile, each: Each, thorough: bool = False
) -> tuple[dict[str, Any], tuple[Sized, ...]]:
    """The answer as plain values, and the plans behind it; `each` applies an answer to things.

    Where many queues need a simulation each is run only briefly, unless `thorough`.
    """
    ways: dict[str, Way] = {} if thorough else size_long.ways(file.queues)
    plans = tuple(
        on_all_processors(file.queues, lambda queue: sized(queue, ways.get(queue.name)), each, ways)
    )
    wanted = [_wanted(one, file.prices) for one in plans if one.plan is not None]
    chosen = joint.shared(wanted, file.budgets)
    rows = on_all_processors(plans, _Answer(chosen), each, ways)
    sums = spent(list(chosen), [choice.use for choice in chosen.values()], file.budgets)
    told = {name: {**asdict(one), "within": one.within} for name, one in sums.items()}
    return {"queues": rows, "together": told, "sized_briefly": sum(row["brief"] for row in rows)}, plans


def sized(queue: AskedQueue, way: Way | None = None) -> Sized:
    """On the fewest processes that hold the slots which meet the objectives there, or whose cores are not what stands
    in the way.
    """
    least = min(_split(queue, 1, queue.question.fleet.processes).processes, MOST_PROCESSES)

    @cache
    def plan(processes: int) -> Plan | None:
        return way.plan(processes) if way else _plan(queue, queue.question.workload, processes)

    def is_enough(processes: int) -> bool:
        return processes >= MOST_PROCESSES or not _held_up(queue, processes) or plan(processes) is not None

    # On fewer processes than those whose cores can do all the work no number of slots need be tried.
    able = (p for p in range(least, MOST_PROCESSES) if not _held_up(queue, p) or not _too_busy(queue, p))
    processes = next(able, MOST_PROCESSES)
    if not is_enough(processes) and _meets_with_cores_to_spare(queue):
        processes = smallest(processes + 1, is_enough, lambda _: False) or MOST_PROCESSES
    set_by, fits = "cpu", partial(_fits, queue, plan)
    if not fits(processes):
        processes = smallest(processes + 1, fits, lambda _: False) or MOST_PROCESSES
        set_by = "slots that fit into one"
    found = plan(processes)
    shifts = _shifts(queue, processes, way) if found else ()
    return Sized(queue, found, processes, set_by, shifts, way)


def _split(queue: AskedQueue, slots: int, processes: int) -> Split:
    """With no fewer than so many processes."""
    limits = replace(queue.limits, workers=max(processes, queue.limits.workers))
    return split(limits, slots, queue.question.workload.attempts_per_second, queue.question.fleet.cores)


def _fits(queue: AskedQueue, plan: Callable[[int], Plan | None], processes: int) -> bool:
    """Whether so many processes hold the slots that are needed on them. Only where slots share cores are those fewer on
    more processes.
    """
    if not isinstance(queue.question.workload.service, IoThenCpu) or processes >= MOST_PROCESSES:
        return True
    found = plan(processes)
    return found is None or _split(queue, found.slots_needed, processes).processes == processes


def _held_up(queue: AskedQueue, processes: int) -> bool:
    """Whether the cores of so many processes set the limit, however many slots there are."""
    return ceiling(queue.question.workload, _roomy(queue, processes)).set_by == "cpu"


def _too_busy(queue: AskedQueue, processes: int) -> bool:
    return is_unstable(queue.question.workload, _roomy(queue, processes))


def _meets_with_cores_to_spare(queue: AskedQueue) -> bool:
    """Whether the objectives hold where no job waits for a slot and each has a core for itself."""
    workload = queue.question.workload
    slots = int(4.0 * workload.offered_load) + 64
    fleet = replace(_roomy(queue, 1), slots=slots, cores=float(slots))
    objective = read_objective(queue.objective)
    return not objective.broken(predict(workload, fleet, objective.figures))


def _roomy(queue: AskedQueue, processes: int) -> Fleet:
    return with_slots(queue, 10**5, processes).question.fleet


def _plan(queue: AskedQueue, workload: Workload, processes: int) -> Plan | None:
    fleet = replace(queue.question.fleet, processes=processes)
    return size(workload, read_objective(queue.objective), fleet)


def _shifts(queue: AskedQueue, processes: int, way: Way | None) -> tuple[Shift, ...]:
    if not isinstance(queue.question.workload.arrivals, Profile | Sinusoid):
        return ()
    if isinstance(way, Sampled):
        return schedule(queue.question.workload, way.needed)

    def needed(workload: Workload) -> int | None:
        plan = _plan(queue, workload, processes)
        return plan.slots_needed if plan else None

    return schedule(queue.question.workload, needed)


def _wanted(one: Sized, prices: PriceWords) -> joint.Wanted:
    assert one.plan is not None
    load, needed = one.queue.question.workload.offered_load, one.plan.slots_needed
    return joint.Wanted(
        one.queue.name, bool(one.queue.priority), load, needed, _fewest_stable(one, needed),
        lambda slots: _choice(one, slots, prices),
    )  # fmt: skip


def _fewest_stable(one: Sized, needed: int) -> int:
    """Jobs that share cores last longer than alone."""
    workload = one.queue.question.workload
    slots = min(int(workload.offered_load) + 1, needed)
    while slots < needed and is_unstable(
        workload, with_slots(one.queue, slots, one.processes).question.fleet
    ):
        slots += 1
    return slots


def _choice(one: Sized, slots: int, prices: PriceWords) -> joint.Choice:
    found = _split(one.queue, slots, one.processes)
    if found.set_by == "workers given" and one.processes > one.queue.limits.workers:
        found = replace(found, set_by=one.set_by)
    return joint.Choice(slots, found, use(found, prices))


@dataclass(frozen=True, slots=True)
class _Answer:
    """The row of each queue, as it was chosen."""

    chosen: Mapping[str, joint.Choice]

    def __call__(self, one: Sized) -> dict[str, Any]:
        if one.plan is None:
            given = one.queue.question.fleet
            if isinstance(one.way, Sampled):
                row = one.way.row(given.slots, given.processes)
            else:
                row = answers.predicted(one.queue)
            return {**row, "slots_needed": None, "brief": one.way is not None}
        choice, needed = self.chosen[one.name], one.plan.slots_needed
        if one.way is None:
            found = answers.predicted(with_slots(one.queue, choice.slots, choice.split.processes))
            sized_by = one.plan.prediction.method
        else:
            found = one.way.answer(one.plan, choice.slots, choice.split.processes)
            sized_by = one.way.sized_by(one.plan)
        doubts = dict.fromkeys((*found["doubts"], *one.plan.prediction.doubts))
        return {
            **found,
            "doubts": list(doubts),
            "sized_by": sized_by,
            "brief": one.way is not None,
            "slots_needed": needed,
            "slots_given": one.queue.question.fleet.slots,
            **one_fewer.values(one.plan),
            "workers": choice.split.processes,
            "concurrency": choice.split.concurrency,
            "workers_set_by": choice.split.set_by,
            "uses": dict(choice.use.of),
            "cut_to_fit": choice.slots < needed,
            "schedule": [asdict(shift) for shift in one.shifts],
        }
