"""This file knows the rule tests on queues that stand, and on guards against queues that are meant to."""

from alerts.cases.ruletests import Case, Firing, Maker, at
from alerts.cases.world import QUEUE, World, between, until
from alerts.rules import Ground
from alerts.signals import DEAD_LETTERS, DRAIN, OLDEST, RETRIES, THROUGHPUT, Severity, Signal
from exporter import catalogue as c

_W: Severity = "warning"
_C: Severity = "critical"
_AT = {"queue": QUEUE, "prefix": "bull"}


def _world(g: Ground, minutes: int) -> World:
    return World(g, minutes).begin()


def _on(g: Ground, name: str) -> bool:
    return g.config.profile == "bullgauge" and g.config.alerts.get(name, True)


def _single(g: Ground, name: str, default: Severity) -> Firing:
    return (name, g.config.severities.get(name, default), QUEUE)


def _low(g: Ground) -> tuple[str, ...]:
    """Low throughput, which is quiet in these cases as long as it asks for enough work."""
    return ("BullThroughputLow",) if g.config.guards.enough_work else ()


def _each(g: Ground, signal: Signal, name: str, factor: float) -> tuple[float, tuple[Firing, ...]] | None:
    """A value on the bad side of every bound of a signal, and what it makes fire."""
    bounds = {s: g.thresholds.default(signal, s) for s in (_W, _C)}
    given = {s: b for s, b in bounds.items() if b is not None}
    return (max(given.values()) * factor, tuple((name, s, QUEUE) for s in given)) if given else None


def no_workers(g: Ground) -> Case | None:
    """Dead workers are another alert than slow ones: within ten minutes, and low throughput is not one of them."""
    if not _on(g, "BullNoWorkers"):
        return None
    world = _world(g, 130).queue(
        ready=lambda now: 100 * max(0, now - 40) if now < 90 else 0,
        finished=until(40, 100, 0),
        workers=between(40, 90, 0, 4),
    )
    checks = (
        at(39),
        at(47, _single(g, "BullNoWorkers", _C)),
        at(89, _single(g, "BullNoWorkers", _C)),
        at(97),
    )
    return Case("dead workers", (world,), (*_low(g), "BullNoWorkers", "BullQueueStuck"), checks)


def no_workers_no_work(g: Ground) -> Case | None:
    """No workers and no work, and no workers on a paused queue: nobody is needed."""
    if not _on(g, "BullNoWorkers") or not g.config.guards.held_queues:
        return None
    world = _world(g, 60).queue("empty", workers=0).queue("paused", workers=0, paused=1, size_prioritized=10)
    world.queue("unknown", ready=10, workers=None, finished=3)
    return Case("workers are missed only where there is work", (world,), ("BullNoWorkers",), (at(20), at(60)))


def crashed(g: Ground) -> Case | None:
    """Jobs that are active on no worker; and workers that stay away after a pause are missed as soon as others."""
    if not _on(g, "BullNoWorkers") or not g.config.guards.held_queues:
        return None
    world = _world(g, 60).queue("crashed", size_active=3, workers=0)
    world.queue("resumed", ready=5, workers=0, paused=until(20, 1, 0))
    name, severity, _ = _single(g, "BullNoWorkers", _C)
    one, both = (name, severity, "crashed"), (name, severity, "resumed")
    return Case(
        "jobs of workers that crashed",
        (world,),
        (name,),
        (at(8, one), at(24, one), at(28, one, both), at(45, one, both)),
    )


def stuck(g: Ground) -> Case | None:
    """A small queue with work in it on which nothing moves: one alert, and not low throughput."""
    if not g.config.alerts.get("BullQueueStuck", True):
        return None
    world = _world(g, 100).queue(ready=between(5, 60, 3, 0), finished=until(10, 1, 0))
    if g.config.profile == "bullgauge":
        world.requeued("delayed", until(5, 1, 0))
    fires = _single(g, "BullQueueStuck", _C)
    # Three jobs are an hour's work where the bound is no more.
    low = _low(g) if all(threshold.bound > 10 for threshold in g.thresholds.of(THROUGHPUT)) else ()
    names = (*low, "BullQueueStuck", "BullNoWorkers")
    return Case(
        "a queue that stands with work in it", (world,), names, (at(20), at(38, fires), at(59, fires), at(70))
    )


def fresh(g: Ground) -> Case | None:
    """Windows that hold only what was seen since the exporter came are no windows yet."""
    if not g.config.guards.coverage or not (_on(g, "BullQueueStuck") and _on(g, "BullWorkersSaturated")):
        return None
    world = _world(g, 75).queue("stuck", ready=until(60, 3, 0), workers=2)
    world.queue("full", ready=until(60, 10, 0), finished=10, workers=4)
    world.put(c.WORKERS_SATURATED, until(60, 4, 0), queue="full", prefix="bull")
    stands, full = _single(g, "BullQueueStuck", _C), _single(g, "BullWorkersSaturated", _W)
    fires = ((*stands[:2], "stuck"), (*full[:2], "full"))
    names = ("BullQueueStuck", "BullWorkersSaturated")
    return Case(
        "a fresh install has no windows yet",
        (world,),
        names,
        (at(15), at(25, *fires), at(59, *fires), at(75)),
    )


def not_stuck(g: Ground) -> Case | None:
    """Paused, rate-limited with a flag that flickers, or retrying: not stuck. Resumed and no better: stuck."""
    if not _on(g, "BullQueueStuck") or not g.config.guards.held_queues:
        return None
    world = _world(g, 90).queue("paused", size_prioritized=5, paused=1)
    world.queue("limited", ready=5, rate_limited=lambda now: 1 if now % 6 == 0 else 0)
    world.queue("twice-held", ready=5, paused=1, rate_limited=1)
    world.queue("retrying", ready=5).requeued("delayed", 1, "retrying")
    world.queue("resumed", ready=5, paused=until(20, 1, 0))
    name, severity, _ = _single(g, "BullQueueStuck", _C)
    resumed = (name, severity, "resumed")
    return Case(
        "a held queue is not stuck",
        (world,),
        ("BullQueueStuck",),
        (at(37), at(45, resumed), at(90, resumed)),
        beside=("BullRetryStorm",),
    )


def saturated(g: Ground) -> Case | None:
    """Every worker full all through a quarter of an hour while work waits."""
    if not _on(g, "BullWorkersSaturated"):
        return None
    world = _world(g, 90).queue(ready=between(20, 50, 10, 0), finished=10, workers=4)
    world.put(c.WORKERS_SATURATED, between(20, 50, 4, 3), **_AT)
    world.queue("keeping-up", finished=10, workers=4)
    world.put(c.WORKERS_SATURATED, 4, queue="keeping-up", prefix="bull")
    if g.config.guards.held_queues:
        world.queue("limited", ready=10, finished=10, workers=4, rate_limited=lambda now: now % 6 == 0)
        world.put(c.WORKERS_SATURATED, 4, queue="limited", prefix="bull")
    fires = _single(g, "BullWorkersSaturated", _W)
    return Case(
        "all workers full",
        (world,),
        ("BullWorkersSaturated",),
        (at(19), at(38), at(43, fires), at(49, fires), at(62)),
    )


def oldest(g: Ground) -> Case | None:
    """The oldest job passes one bound after the other; on a paused queue nobody minds."""
    found = _each(g, OLDEST, "BullOldestJobWaiting", 1.5)
    if found is None or g.config.profile == "bullmq":
        return None
    age, fires = found
    nearest = min(g.thresholds.of(OLDEST), key=lambda threshold: threshold.bound)
    first = int(nearest.bound // 60)
    early = [fire for fire in fires if fire[1] == nearest.severity]
    held = max(int(age // 60), int(age / 1.5 // 60) + 10)
    world = _world(g, held + 30).queue(ready=1, finished=1)
    world.put(c.OLDEST_WAITING, lambda now: 0.0 if now < held else now * 60.0, **_AT)
    checks = [at(first), at(held - 1, *fires), at(held + 15)]
    if len(fires) == len(early) or age / 1.5 > nearest.bound + 600:
        checks.insert(1, at(first + 7, *early))
    if g.config.guards.held_queues:
        world.queue("paused", paused=1, size_paused=1)
        world.put(c.OLDEST_WAITING, 0.0, queue="paused", prefix="bull")
    return Case("the oldest waiting job", (world,), ("BullOldestJobWaiting",), tuple(checks))


def limit_in_step(g: Ground) -> Case | None:
    """A limit's flag that is up only between two evaluations, each time, still holds the queue."""
    found = _each(g, OLDEST, "BullOldestJobWaiting", 1.5)
    if found is None or g.config.profile == "bullmq" or not g.config.guards.held_queues:
        return None
    age, fires = found
    ends = max(int(age // 300) * 5, 30)
    world = _world(g, ends + 40)
    world.queue(ready=1, finished=1, rate_limited=lambda now: 1 if now % 5 == 4 and now < ends else 0)
    world.put(c.OLDEST_WAITING, 0.0, **_AT)
    checks = (at(ends - 5), at(ends + 10), at(ends + 40, *fires))
    return Case(
        "a limit that keeps step with the evaluations",
        (world,),
        ("BullOldestJobWaiting",),
        checks,
        every_minutes=5,
    )


def drain(g: Ground) -> Case | None:
    """A backlog that would take too long at the present rate; a few jobs are none."""
    found = _each(g, DRAIN, "BullBacklogSlow", 1.3)
    if found is None:
        return None
    seconds, fires = found
    world = _world(g, 90).queue(ready=until(60, seconds / 60, 0), finished=1)
    if g.config.guards.few_jobs:
        world.queue("few", ready=9, finished=0.05)
    if g.config.guards.held_queues and g.config.profile == "bullgauge":
        world.queue("limited", ready=seconds / 60, finished=1, rate_limited=1)
    nearest = min(threshold.bound for threshold in g.thresholds.of(DRAIN))
    world.queue("below", ready=0.8 * nearest / 60 * 3, finished=3)
    world.queue("small", ready=until(60, 30, 0), finished=30 / (seconds / 60))
    fires = (*fires, *((name, severity, "small") for name, severity, _ in fires))
    checks = (at(22 if g.config.guards.coverage else 12), at(45, *fires), at(59, *fires), at(75))
    return Case("a backlog that takes too long", (world,), ("BullBacklogSlow",), checks)


def dead_letters(g: Ground) -> Case | None:
    """Failed jobs pile up; a set that is trimmed and grows again is no rate of failures."""
    found = _each(g, DEAD_LETTERS, "BullDeadLetters", 1.2)
    if found is None or g.config.profile == "bullmq":
        return None
    number, fires = found
    world = _world(g, 100).queue(ready=1, finished=1, size_failed=until(60, number, 0))
    world.queue("trimmed", finished=10, size_failed=lambda now: (now % 10) * number / 20)
    names = ("BullDeadLetters", "BullFailureRateHigh", "BullFailuresLowVolume")
    return Case("failed jobs pile up", (world,), names, (at(10), at(30, *fires), at(59, *fires), at(70)))


def retries(g: Ground) -> Case | None:
    """Most attempts go back to the queue; where a limit sends them back, that is its work."""
    found = _each(g, RETRIES, "BullRetryStorm", 1.2)
    if found is None or g.config.profile == "bullmq":
        return None
    share, fires = min(found[0], 0.98), found[1]
    attempts = max(20, 1.5 / share)
    world = _world(g, 120).queue(finished=attempts * (1 - share))
    world.requeued("delayed", until(50, attempts * share, 0))
    if g.config.guards.few_jobs:
        world.queue("few").requeued("delayed", 0.5, "few")
    world.queue("small").requeued("delayed", until(50, 1, 0), "small")
    fires = (*fires, *((name, severity, "small") for name, severity, _ in fires))
    if g.config.guards.held_queues:
        limited = world.queue("limited", finished=2, rate_limited=lambda now: now % 2)
        limited.requeued("delayed", 20, "limited")
    return Case(
        "retries storm", (world,), ("BullRetryStorm",), (at(4), at(35, *fires), at(49, *fires), at(110))
    )


def stalls(g: Ground) -> Case | None:
    """Jobs lose their workers: counted when found, and seen before by the missing lock."""
    if not _on(g, "BullJobsStalled"):
        return None
    world = _world(g, 120).queue(finished=10).requeued("stalled", between(20, 24, 1, 0))
    world.queue("unlocked", finished=10)
    world.put(c.ACTIVE_UNLOCKED, between(60, 75, 2, 0), queue="unlocked", prefix="bull")
    name, severity, _ = fires = _single(g, "BullJobsStalled", _W)
    checks = (at(19), at(35, fires), at(74, (name, severity, "unlocked")), at(95))
    return Case("jobs stall", (world,), ("BullJobsStalled",), checks)


def schedulers(g: Ground) -> Case | None:
    """A scheduler whose next run is past; on a paused queue it waits with the others."""
    if not _on(g, "BullSchedulersStopped"):
        return None
    world = _world(g, 60).queue(finished=1).queue("paused", paused=1)
    world.put(c.SCHEDULERS_OVERDUE, between(10, 40, 1, 0), **_AT)
    if g.config.guards.held_queues:
        world.put(c.SCHEDULERS_OVERDUE, 1, queue="paused", prefix="bull")
    fires = _single(g, "BullSchedulersStopped", _W)
    return Case(
        "schedulers stop",
        (world,),
        ("BullSchedulersStopped",),
        (at(15), at(25, fires), at(39, fires), at(50)),
    )


CASES: tuple[Maker, ...] = (
    no_workers,
    no_workers_no_work,
    crashed,
    stuck,
    fresh,
    not_stuck,
    saturated,
    oldest,
    limit_in_step,
    drain,
    dead_letters,
    retries,
    stalls,
    schedulers,
)
