"""This file knows the rule tests on counters that are away for a while: what is new when they are back."""

from alerts import names as n
from alerts.cases.failures import ALONE, BURN, FAIL
from alerts.cases.jobs import both_bounds
from alerts.cases.ruletests import Case, Maker, Query, at
from alerts.cases.world import World, between, until
from alerts.rules import Ground
from alerts.signals import FAILURES


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
    if both_bounds(g, FAILURES) is None or not g.config.guards.few_jobs:
        return None
    world = World(g, 70).begin()
    world.queue("blinks", first=800, finished=10, alive=between(20, 22, 0, 1))
    # An exporter remembers a queue for ten minutes.
    world.queue("rests", first=800, finished=10, alive=between(20, 29, 0, 1))
    world.queue("stays", finished=10)
    for name in filter(_counts_failed, world.series):
        if "rests" in name:
            world.series[name] = [800.0] * 20 + [None] * 9 + [803.0] * 42
    counted = (("blinks", 0.0), ("rests", 3.0))
    failed = tuple(
        Query(
            40,
            f'round({n.increase(window)}{{queue=~"blinks|rests", status="failed"}})',
            tuple((_failed(g, name), jobs) for name, jobs in counted),
        )
        for window in ("30m", "6h")
    )
    return Case("a queue that comes back has no old failures", (world,), (), (), failed)


def begins_anew(g: Ground) -> Case | None:
    """A queue that is made anew begins at 0: its first failures count, though it had more of them before."""
    if both_bounds(g, FAILURES) is None:
        return None
    # That the exporter was away some minutes before is no matter.
    world = World(g, 60, exporter_up=between(18, 24, 0, 1)).begin().queue("anew", finished=10, failed=0)
    for name in filter(_counts_failed, world.series):
        world.series[name] = [500.0] * 18 + [None] * 14 + [6.0] * 29
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
    away = {*range(21, 28), *range(41, 50), *range(65, 140)}
    world = World(g, 160, exporter_up=lambda now: 0 if now in away else 1).begin()
    # One a minute is seen, eight are not; nor are those of the long outage.
    unseen = (*range(21, 26), *range(42, 45), *range(80, 90))
    failed = {**dict.fromkeys(range(16, 20), 1), **dict.fromkeys(unseen, 8)}
    world.queue("bad", finished=10, failed=lambda now: failed.get(now, 0))
    hours = f'round({n.increase("6h")}{{status="failed"}})'
    half = f'round({n.increase("30m")}{{status="failed"}})'
    none, told = ((_failed(g, "bad"), 0.0),), ((_failed(g, "bad"), 68.0),)
    every = f"round({n.finished('6h')}, 10)"
    ended = ((_failed(g, "bad").replace(', status="failed"', ""), 670.0),)
    queries = (
        Query(64, half, none),
        Query(64, hours, told),
        Query(64, every, ended),
        Query(159, half, none),
        Query(159, hours, told),
    )
    return Case("what an exporter missed counts in hours", (world,), (), (), queries)


def often_away(g: Ground) -> Case | None:
    """An exporter that fails at every fourth scrape keeps no alert from firing."""
    if both_bounds(g, FAILURES) is None:
        return None
    world = World(g, 45, exporter_up=lambda now: 0 if now % 4 == 3 else 1).begin()
    world.queue("bad", finished=1, failed=19)
    firing = f'count by (severity) ({n.ALERTS}{{alertname="{FAIL}", alertstate="firing"}})'
    both = tuple((f'{{severity="{severity}"}}', 1.0) for severity in ("warning", "critical"))
    return Case("scrapes that often fail", (world,), (FAIL,), (), (Query(45, firing, both),))


def between_evaluations(g: Ground) -> Case:
    """Scrapes that fall between evaluations make a count neither larger nor smaller."""
    step = 14
    world = World(g, 40 * 60 // step).begin().jobs("steady", 1, 0)
    finished = f"round({n.finished('30m')})"
    labels = _failed(g, "steady").replace(', status="failed"', "")
    counted = Query(38, finished, ((labels, round(1800 / step)),))
    return Case("scrapes between evaluations", (world,), (), (), (counted,), scrape_seconds=step)


CASES: tuple[Maker, ...] = (
    reset,
    short_outage,
    comes_back,
    begins_anew,
    missed,
    often_away,
    between_evaluations,
)
