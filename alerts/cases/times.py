"""This file knows the rule tests on waits and processing times: when they fire, and when they end."""

from alerts.cases.jobs import both_bounds, named
from alerts.cases.ruletests import Case, Maker, at
from alerts.cases.world import World, between, until
from alerts.rules import Ground
from alerts.signals import DURATION, LATENCY, Severity
from exporter import catalogue as c

LATE = "BullLatencyHigh"
_W: Severity = "warning"
_C: Severity = "critical"


def _world(g: Ground, minutes: int) -> World:
    return World(g, minutes).begin()


def waits(g: Ground) -> Case | None:
    """Waits below both bounds, between them, and above both."""
    bounds = both_bounds(g, LATENCY)
    if bounds is None or g.config.profile == "bullmq":
        return None
    warning, critical = bounds
    world = _world(g, 140)
    world.queue("fine", finished=3, wait_seconds=warning * 0.8)
    world.queue("late", finished=3, wait_seconds=until(60, warning + (critical - warning) * 0.6, 0))
    world.queue("later", finished=3, wait_seconds=until(60, critical * 1.3, 0))
    # A queue whose events are not followed has a bound and no waits; nothing is missing there.
    world.queue("unfollowed")
    world.series = {
        k: v for k, v in world.series.items() if c.JOB_WAIT.name not in k or '"unfollowed"' not in k
    }
    checks = (
        at(35, (LATE, _W, "late"), (LATE, _W, "later"), (LATE, _C, "later")),
        at(59, (LATE, _W, "late"), (LATE, _W, "later"), (LATE, _C, "later")),
        at(85),
    )
    return Case("waits are told apart by the bounds", (world,), (LATE, "BullBucketMissing"), checks)


def share_of_waits(g: Ground) -> Case | None:
    """4 of 100 late jobs are within the 95th percentile, 6 are not; and 2 late jobs are few."""
    bounds = both_bounds(g, LATENCY)
    if bounds is None or g.config.profile == "bullmq" or not g.config.guards.few_jobs:
        return None
    slow = (bounds[0] + bounds[1]) / 2
    world = _world(g, 90)
    world.queue("four", finished=10, late=(0.04, slow))
    world.queue("six", finished=10, late=(0.06, slow))
    world.queue("worse", finished=10, late=(0.06, bounds[1] * 1.2))
    if g.config.guards.held_queues:
        world.queue("paused", paused=1, finished=10, wait_seconds=bounds[1] * 1.2)
    world.queue("few", finished=0.2, wait_seconds=bounds[1] * 1.2)
    fires = ((LATE, _W, "six"), (LATE, _W, "worse"), (LATE, _C, "worse"))
    return Case("5 % of jobs may wait longer", (world,), (LATE,), (at(60, *fires), at(90, *fires)))


def after_dead_workers(g: Ground) -> Case | None:
    """What had waited for workers is late when they are back, and over. Workers that come and go are not.

    What was late before they went is not taken back.
    """
    bounds = both_bounds(g, LATENCY)
    if bounds is None or g.config.profile == "bullmq" or not g.config.guards.held_queues:
        return None
    late = bounds[1] * 1.2
    world = _world(g, 90)
    back = between(40, 42, 100, 3)
    world.queue(
        "deserted",
        finished=lambda now: 0 if 32 <= now < 40 else back(now),
        workers=between(32, 40, 0, 2),
        wait_seconds=between(40, 42, late, 0.01),
    )
    world.queue(
        "deployed",
        finished=lambda now: 0 if 38 <= now < 40 else back(now),
        workers=between(38, 40, 0, 2),
        wait_seconds=between(40, 42, late, 0.01),
    )
    world.queue("flapping", finished=3, workers=lambda now: 2 if now % 8 < 4 else 0, wait_seconds=late)
    still = between(32, 40, 0, 3)
    world.queue("still", finished=still, workers=between(32, 40, 0, 2), wait_seconds=late)
    flaps, stays = (tuple((LATE, s, name) for s in (_W, _C)) for name in ("flapping", "still"))
    checks = (at(19, *stays), at(26, *flaps, *stays), at(55, *flaps, *stays), at(70, *flaps, *stays))
    return Case("what had waited for dead workers", (world,), (LATE,), checks, beside=("BullNoWorkers",))


def new_edge(g: Ground) -> Case | None:
    """An exporter restarted with one more edge makes no job late; what is late in truth is told a little later."""
    bounds = both_bounds(g, LATENCY)
    if bounds is None or g.config.profile == "bullmq" or not g.config.guards.coverage:
        return None
    world = _world(g, 70)
    world.queue("quick", finished=10)
    world.queue("slow", finished=10, wait_seconds=until(31, 0.01, bounds[1] * 1.2))
    world.queue("late", finished=10, wait_seconds=bounds[1] * 1.2)
    for name, values in world.series.items():
        if "_bucket{" in name and "+Inf" not in name and '"late"' not in name:
            values[:31] = [None] * 31
    late, slow = (tuple((LATE, s, name) for s in (_W, _C)) for name in ("late", "slow"))
    checks = (at(29, *late), at(43, *late), at(47, *late), at(66, *late, *slow))
    return Case(
        "a new bucket edge makes no job late", (world,), (LATE,), checks, beside=("BullBucketMissing",)
    )


def slow_jobs(g: Ground) -> Case | None:
    """Processing time is judged on the queues that ask for it; a requeued attempt is none."""
    own = named(g, DURATION)
    if own is None or g.config.profile == "bullmq":
        return None
    queue, bound, severities = own
    world = _world(g, 80)
    edges = sorted({t.bound for t in g.thresholds.of(DURATION)})
    for name, status, slow in (
        (queue, "completed", True),
        (queue, "requeued", False),
        ("other", "completed", True),
    ):
        labels = {"queue": name, "prefix": "bull", "job_type": "a", "status": status}
        for edge in edges:
            within = until(40, 0 if slow and edge <= bound else 5, 5)
            world.counter(f"{c.JOB_DURATION.name}_bucket", within, le=f"{edge:g}", **labels)
        world.counter(f"{c.JOB_DURATION.name}_count", 5, **labels)
    fires = tuple(("BullDurationHigh", s, queue) for s in severities)
    return Case("jobs that take too long", (world,), ("BullDurationHigh",), (at(5), at(35, *fires), at(75)))


CASES: tuple[Maker, ...] = (waits, share_of_waits, after_dead_workers, new_edge, slow_jobs)
