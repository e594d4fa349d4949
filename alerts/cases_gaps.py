"""This file knows the rule tests on counters that are away for a while: what is new when they are back."""

from alerts import names as n
from alerts.cases_failures import ALONE, BURN, FAIL
from alerts.cases_jobs import both_bounds
from alerts.rules import Ground
from alerts.ruletests import Case, Maker, Query, at
from alerts.signals import FAILURES
from alerts.world import World, between, until


def reset(g: Ground) -> Case | None:
    """An exporter that starts anew, at 0 or with old counts, adds no failures."""
    if both_bounds(g, FAILURES) is None:
        return None
    old = World(g, 90).begin().queue(first=500, finished=10)
    new = World(g, 90, instance="exporter-1:10577", exporter_up=until(30, None, 1)).begin()
    new.queue(first=800, finished=10, alive=until(30, 0, 1))
    return Case(
        "a counter that starts anew is no failure", (old, new), (FAIL, ALONE, BURN), (at(20), at(40), at(90))
    )


def short_outage(g: Ground) -> Case | None:
    """What an exporter counted before an outage of some minutes is not new when it is back."""
    if both_bounds(g, FAILURES) is None:
        return None
    world = World(g, 90, exporter_up=between(30, 38, 0, 1)).begin().queue(first=800, finished=10)
    return Case(
        "old failures are not new after an outage",
        (world,),
        (FAIL, ALONE, BURN),
        (at(29), at(50), at(60), at(90)),
    )


def comes_back(g: Ground) -> Case | None:
    """A queue that is away for some minutes, while all the rest is seen, goes on with the counter that it had."""
    if both_bounds(g, FAILURES) is None:
        return None
    world = World(g, 70).begin()
    world.queue("blinks", first=800, finished=10, alive=between(20, 22, 0, 1))
    # An exporter remembers a queue for ten minutes.
    world.queue("rests", first=800, finished=10, alive=between(20, 29, 0, 1))
    world.queue("stays", finished=10)
    failed = f'round({n.increase("30m")}{{queue=~"blinks|rests", status="failed"}})'
    none = Query(40, failed, tuple((_failed(g, name), 0.0) for name in ("blinks", "rests")))
    return Case(
        "a queue that comes back has no new failures",
        (world,),
        (FAIL, ALONE, BURN),
        (at(25), at(30), at(40), at(70)),
        (none,),
    )


def begins_anew(g: Ground) -> Case | None:
    """A queue that is made anew begins at 0: its first failures count, though it had more of them before."""
    if both_bounds(g, FAILURES) is None:
        return None
    world = World(g, 60).begin().queue("anew", finished=10, failed=0)
    for name in filter(_counts_failed, world.series):
        world.series[name] = [500.0] * 20 + [None] * 12 + [6.0] * 29
    failed = Query(40, f'round({n.increase("30m")}{{status="failed"}})', ((_failed(g, "anew"), 6.0),))
    return Case("the failures of a queue made anew count", (world,), (), (), (failed,))


def _counts_failed(series: str) -> bool:
    return 'status="failed"' in series or series.startswith(f"{n.BULLMQ_FAILED}{{")


def _failed(g: Ground, name: str) -> str:
    prefix = "" if g.config.profile == "bullmq" else ', prefix="bull"'
    return f'{{job="{g.config.job}"{prefix}, queue="{name}", status="failed"}}'


def missed(g: Ground) -> Case | None:
    """What ended while the exporter was away belongs to the hours, and not to the half hour after its return.

    After more than an hour nobody can tell what belongs where.
    """
    if both_bounds(g, FAILURES) is None:
        return None
    world = World(g, 175, exporter_up=lambda now: 0 if 20 <= now < 50 or 80 <= now < 155 else 1).begin()
    world.queue("bad", finished=10, failed=lambda now: 4 if 25 <= now < 35 or 100 <= now < 110 else 0)
    hours = f'round({n.increase("6h")}{{status="failed"}})'
    half = f'round({n.increase("30m")}{{status="failed"}})'
    none, all_of_them = ((_failed(g, "bad"), 0.0),), ((_failed(g, "bad"), 40.0),)
    queries = (
        Query(70, half, none),
        Query(70, hours, all_of_them),
        Query(174, half, none),
        Query(174, hours, all_of_them),
    )
    return Case(
        "what an exporter missed counts in hours",
        (world,),
        (FAIL, ALONE),
        (at(70), at(174)),
        queries,
        beside=(BURN,),
    )


CASES: tuple[Maker, ...] = (reset, short_outage, comes_back, begins_anew, missed)
