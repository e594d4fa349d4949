"""Knows how the jobs of a drawn run get their attempts, and what Bull's options give to each of them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.bull_options import Children, JobOptions, Pause, Stalls
from planner.errors import BadInput
from planner.fleet import Fleet
from planner.laws.arrivals import Drawn, PoissonClasses
from planner.laws.coupling import from_exponential
from planner.laws.named import Ints, IoThenCpu, Vector
from planner.simulation.queue_kernel import ONCE_AT_HEAD
from planner.simulation.queue_run import Crashing, Jobs, run
from planner.workload import Retries, Workload

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Draw:
    """The chance of one replication: arrivals, and a unit exponential a job for the length of its service.

    It covers `span` seconds, until the last arrival where that is None.
    """

    arrivals: Drawn
    unit: Vector
    patience: Vector | None
    span: float | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """The jobs of another queue, and which of them are the children of each of the `parents`, jobs of this one."""

    jobs: Jobs
    parents: Ints
    children: Ints


@dataclass(frozen=True, slots=True)
class Made:
    """Jobs for the queue kernel, with the arrivals that belong to them: a delayed job arrives when it is due, a parent
    of children in another queue when the last of them has ended.
    """

    arrivals: Drawn
    jobs: Jobs
    brought: Brought | None = None


@dataclass(frozen=True, slots=True)
class _Placed:
    """Jobs in order of the moment they are ready; children follow their parent."""

    arrivals: Drawn
    unit: Vector
    lifo: Ints | None = None
    plain: Ints | None = None
    delayed: Ints | None = None
    parent: Ints | None = None
    brought: Brought | None = None


@dataclass(frozen=True, slots=True)
class _Lives:
    """Attempts of all jobs: those of job i are first[i] .. first[i+1] - 1. `failure` is its number, 0 for none."""

    first: Ints
    failure: Ints
    stalled: Flags


def made(workload: Workload, drawn: Draw, random: np.random.Generator) -> Made:
    """The jobs of the draw."""
    options, retries = workload.options, workload.retries
    placed = _Placed(drawn.arrivals, drawn.unit)
    if options is not None:
        placed = _placed(options, drawn, random, isinstance(workload.arrivals, PoissonClasses))
    stalls = options.stalls if options else None
    lives = _lives(retries, stalls, random, len(placed.unit))
    unit = random.standard_exponential(int(lives.first[-1]))
    unit[lives.first[:-1]] = placed.unit
    assert not isinstance(workload.service, IoThenCpu)
    hold = from_exponential(workload.service, unit)
    back = _delays(retries, lives.failure, random)
    if stalls is not None:
        hold, back = _crashed(stalls, lives.stalled, hold, back, random)
    jobs = Jobs(
        placed.arrivals.times, placed.arrivals.classes, lives.first, hold, back, drawn.patience,
        placed.lifo, placed.parent, placed.delayed, placed.plain,
    )  # fmt: skip
    return Made(placed.arrivals, jobs, placed.brought)


def pauses(pause: Pause | None, until: float) -> tuple[tuple[float, float], ...]:
    """The pauses until a moment, and one more: what is left then is still worked on."""
    if pause is None:
        return ()
    begins = np.arange(pause.begins, until + pause.period, pause.period)
    return tuple((begin, begin + pause.seconds) for begin in begins.tolist())


def crashing(
    options: JobOptions | None, fleet: Fleet, until: float, random: np.random.Generator
) -> Crashing | None:
    """The crashes of each process until a moment: it runs, is away, and runs again."""
    crashes = options.crashes if options else None
    if crashes is None:
        return None
    mean, away = crashes.every_seconds, crashes.restart_seconds
    count = int(until / (mean + away) + 6.0 * np.sqrt(until / (mean + away)) + 20)
    times = np.cumsum(random.exponential(mean, (fleet.processes, count)) + away, axis=1) - away
    processes = np.repeat(np.arange(fleet.processes), count).reshape(times.shape)
    inside = times <= until
    order = np.argsort(times[inside])
    phase = float(random.random() * crashes.check_seconds)
    return Crashing(times[inside][order], processes[inside][order], phase, crashes)


def _placed(options: JobOptions, drawn: Draw, random: np.random.Generator, prioritised: bool) -> _Placed:
    arrivals, count = drawn.arrivals, len(drawn.unit)
    classes, plain = arrivals.classes, np.full(count, int(not prioritised))
    if options.priorities:
        values, shares = map(np.array, zip(*options.priorities, strict=True))
        classes = np.searchsorted(np.cumsum(shares)[:-1], random.random(count), side="right")
        plain = (values[classes] == 0).astype(np.int64)
    is_parent = _chosen(options.children.share if options.children else 0.0, count, random)
    is_delayed = _chosen(options.delayed.share if options.delayed else 0.0, count, random) & ~is_parent
    lifo = (_chosen(options.lifo, count, random) & (plain == 1) & ~is_delayed & ~is_parent).astype(np.int64)
    times = _due(options, arrivals.times, is_delayed, drawn.span, random)
    children = options.children
    brought = None
    if children is not None and children.queue is not None:
        # Like due times they go round in the run.
        span = drawn.span or float(arrivals.times[-1])
        ended, brought = _ended_elsewhere(children, arrivals.times[is_parent], span, random)
        times[is_parent] = ended % span
        lifo[is_parent & (plain == 1)] = ONCE_AT_HEAD
    order = np.argsort(times, kind="stable")
    if brought is not None:
        brought = replace(brought, parents=_places(order)[is_parent])
    each = 1 + is_parent[order] * (children.count if children and children.queue is None else 0)
    job = np.repeat(order, each)
    heads = np.repeat(np.cumsum(each) - each, each)
    is_child = np.arange(len(job)) > heads
    unit = drawn.unit[job]
    unit[is_child] = random.standard_exponential(int(is_child.sum()))
    placed = replace(arrivals, times=times[job], classes=classes[job], batches=None, intervals=None)
    return _Placed(
        placed, unit, lifo[job] * ~is_child, plain[job], is_delayed[job].astype(np.int64),
        np.where(is_child, heads, -1), brought,
    )  # fmt: skip


def _chosen(share: float, count: int, random: np.random.Generator) -> Flags:
    return random.random(count) < share if share else np.zeros(count, dtype=bool)


def _due(
    options: JobOptions,
    times: Vector,
    is_delayed: Flags,
    span: float | None,
    random: np.random.Generator,
) -> Vector:
    """What would be due after the end is due as long after the begin: so many came before, in the steady state."""
    due = times.copy()
    if options.delayed is None or not len(times):
        return due
    due[is_delayed] += options.delayed.delay.draw(random, int(is_delayed.sum()))
    return np.where(is_delayed, due % (span or float(times[-1])), times)


def _ended_elsewhere(
    children: Children, added: Vector, span: float, random: np.random.Generator
) -> tuple[Vector, Brought]:
    """When the last child of each parent has ended in the other queue, which is run beside its own jobs."""
    other = children.elsewhere
    if other is None:
        raise BadInput(f"children.queue: {children.queue!r} is not at hand; give both queues in one file")
    workload, count = other.workload, len(added) * children.count
    # Some more than come on average, so that they last.
    own = workload.arrivals.draw(random, int(1.1 * span * workload.arrivals.per_second) + 100).times
    both = np.concatenate([np.repeat(added, children.count), own[own <= span]])
    order = np.argsort(both, kind="stable")
    place = _places(order)
    arrivals = Drawn(both[order], np.zeros(len(both), dtype=np.int64))
    jobs = made(workload, Draw(arrivals, random.standard_exponential(len(both)), None, span), random).jobs
    late = workload.options.late_due if workload.options else False
    crashes = crashing(workload.options, other.fleet, span, random)
    out = run(jobs, other.fleet.at_work, pauses(other.fleet.pause, span), late, crashes)
    brought = Brought(jobs, np.arange(len(added)), place[:count].reshape(-1, children.count))
    return np.asarray(out.finished[brought.children].max(axis=1)), brought


def _places(order: Ints) -> Ints:
    """Where each one stands that `order` lists."""
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places


def _lives(retries: Retries | None, stalls: Stalls | None, random: np.random.Generator, count: int) -> _Lives:
    if stalls is not None:
        return _stalling(retries, stalls, random, count)
    attempts = _attempts(retries, random, count)
    first = np.append(0, np.cumsum(attempts))
    number = np.arange(int(first[-1])) - np.repeat(first[:-1], attempts)
    return _Lives(first, number + 1, np.zeros(int(first[-1]), dtype=bool))


def _attempts(retries: Retries | None, random: np.random.Generator, count: int) -> Ints:
    """Attempts each job takes until it succeeds or has had them all."""
    if retries is None or retries.failure_ratio == 0.0:
        return np.ones(count, dtype=np.int64)
    if retries.failure_ratio >= 1.0:
        return np.full(count, retries.attempts, dtype=np.int64)
    needed = random.geometric(1.0 - retries.failure_ratio, count)
    return np.minimum(needed, retries.attempts).astype(np.int64)


def _stalling(retries: Retries | None, stalls: Stalls, random: np.random.Generator, count: int) -> _Lives:
    """Round by round: each start stalls, fails or succeeds, until the job has succeeded or may not start again."""
    fails, most = (retries.failure_ratio, retries.attempts) if retries else (0.0, 1)
    failed, stalled = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    going = np.arange(count)
    rounds: list[tuple[Ints, Ints, Flags]] = []
    while len(going):
        stalls_now = random.random(len(going)) < stalls.ratio
        fails_now = ~stalls_now & (random.random(len(going)) < fails)
        stalled[going] += stalls_now
        failed[going] += fails_now
        rounds.append((going, np.where(fails_now, failed[going], 0), stalls_now))
        again = (stalls_now & (stalled[going] <= stalls.most)) | (fails_now & (failed[going] < most))
        going = going[again]
    jobs, failure, is_stalled = (np.concatenate(part) for part in zip(*rounds, strict=True))
    by_job = np.argsort(jobs, kind="stable")
    first = np.append(0, np.cumsum(np.bincount(jobs, minlength=count)))
    return _Lives(first, failure[by_job], is_stalled[by_job])


def _delays(retries: Retries | None, failure: Ints, random: np.random.Generator) -> Vector:
    total = len(failure)
    if retries is None:
        return np.zeros(total)
    most = int(failure.max(initial=1))
    delays = np.array([0.0, *(retries.delay_after(k) for k in range(1, most + 1))])[failure]
    return np.asarray(delays * (1.0 - retries.jitter * random.random(total)) if retries.jitter else delays)


def _crashed(
    stalls: Stalls,
    stalled: Flags,
    hold: Vector,
    back: Vector,
    random: np.random.Generator,
) -> tuple[Vector, Vector]:
    """When the slots of lost workers are back, and when their jobs are found (planner/simulation/queue_kernel.py)."""
    count = int(stalled.sum())
    worked = hold[stalled] * random.random(count)
    found = worked + stalls.found_after(worked, random.random(count) * stalls.check_seconds)
    hold, back = hold.copy(), back.copy()
    hold[stalled], back[stalled] = worked + stalls.restart_seconds, -found
    return hold, back
