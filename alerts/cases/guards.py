"""This file knows the rule tests on guards that end: what was paused or without workers is judged again in time."""

from alerts.cases.jobs import both_bounds
from alerts.cases.ruletests import Case, Maker, at
from alerts.cases.times import LATE
from alerts.cases.world import World, between, until
from alerts.rules import Ground
from alerts.signals import LATENCY, Severity
from exporter import catalogue as c

STOPPED = "BullSchedulersStopped"
_W: Severity = "warning"
_C: Severity = "critical"


def goes_on(g: Ground) -> Case | None:
    """A quarter of an hour after a pause, a scheduler that stands still is told of."""
    if g.config.profile == "bullmq" or not g.config.guards.held_queues:
        return None
    world = World(g, 60).begin().queue("resumed", finished=5, paused=until(20, 1, 0))
    world.put(c.SCHEDULERS_OVERDUE, 1, queue="resumed", prefix="bull")
    fires = (STOPPED, g.config.severities.get(STOPPED, _W), "resumed")
    return Case("a pause that is over guards no more", (world,), (STOPPED,), (at(30), at(50, fires)))


def workers_are_back(g: Ground) -> Case | None:
    """A deployment is no page, though there was one an hour ago; nor does one keep what is late for long."""
    bounds = both_bounds(g, LATENCY)
    if bounds is None or g.config.profile == "bullmq" or not g.config.guards.held_queues:
        return None
    late = bounds[1] * 1.2
    world = World(g, 90).begin()
    world.queue("late", finished=10, workers=between(15, 18, 0, 2), wait_seconds=until(14, 0.01, late))
    again = between(70, 73, 0, 2)
    world.queue(
        "deployed",
        finished=10,
        workers=lambda now: 0 if 15 <= now < 18 else again(now),
        wait_seconds=between(70, 76, late, 0.01),
    )
    fires = tuple((LATE, severity, "late") for severity in (_W, _C))
    checks = (at(27), at(45, *fires), at(88, *fires))
    return Case("workers that are back guard no more", (world,), (LATE,), checks)


CASES: tuple[Maker, ...] = (goes_on, workers_are_back)
