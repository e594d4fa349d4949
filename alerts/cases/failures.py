"""This file knows the rule tests on failures: when they fire, when they are over. Few jobs have a file of their own."""

from alerts import names as n
from alerts.alerting.jobs import budget
from alerts.cases.jobs import both_bounds, busy, share_above
from alerts.cases.ruletests import Case, Maker, Query, at
from alerts.cases.world import QUEUE, World, between, until
from alerts.promql import quote
from alerts.recordings.jobs import WINDOWS
from alerts.rules import Ground
from alerts.signals import FAILURES, Severity
from exporter import catalogue as c

FAIL, ALONE, BURN = "BullFailureRateHigh", "BullFailuresLowVolume", "BullErrorBudgetBurn"
_W: Severity = "warning"
_C: Severity = "critical"


def _world(g: Ground, minutes: int) -> World:
    return World(g, minutes).begin()


def failures(g: Ground) -> Case | None:
    """A rate between the bounds warns, one above both is critical, and both end."""
    bounds = both_bounds(g, FAILURES)
    if bounds is None:
        return None
    warning, critical = bounds
    world = _world(g, 140)
    many = share_above(critical, 1.5)
    for name, share in (("some", (warning + critical) / 2), ("many", many)):
        jobs = busy(share)
        world.queue(name, finished=jobs * (1 - share), failed=until(45, jobs * share, 0))
    world.queue("fine", finished=40, failed=40 * min(warning * 0.8, 0.5))
    # Ten failures in the window are enough for its rate, and no matter of little traffic.
    world.queue(
        "moderate",
        finished=(1 / many - 1) / 3,
        failed=lambda now: 3 if now < 3 else 1 / 3 if now < 45 else 0,
    )
    fires = (
        *((FAIL, _W, name) for name in ("some", "many", "moderate")),
        (FAIL, _C, "many"),
        (FAIL, _C, "moderate"),
    )
    return Case(
        "failures are told apart by the bounds",
        (world,),
        (FAIL, ALONE),
        (at(40, *fires), at(44, *fires), at(130)),
        beside=(BURN,),
    )


def hardly_above(g: Ground) -> Case | None:
    """A share a little above its bound shows only when its whole window is filled, and is noticed within 40 minutes."""
    bounds = both_bounds(g, FAILURES)
    if bounds is None or bounds[1] >= 0.99:
        return None
    bad = bounds[1] * 1.002
    begins, jobs = 40, busy(bad)
    world = _world(g, 80).queue(
        finished=until(begins, jobs, jobs * (1 - bad)), failed=until(begins, 0, jobs * bad)
    )
    return Case(
        "a share hardly above its bound is noticed in time",
        (world,),
        (FAIL,),
        (at(begins), at(begins + 37, (FAIL, _W, QUEUE), (FAIL, _C, QUEUE))),
        beside=(BURN,),
    )


def fault_is_over(g: Ground) -> Case | None:
    """When enough jobs have succeeded since, nobody is woken for the failures that still lie in the long window."""
    bounds = both_bounds(g, FAILURES)
    if bounds is None or not g.config.guards.few_jobs:
        return None
    bad = share_above(bounds[1], 4)
    jobs = busy(bad)
    world = _world(g, 140).queue(finished=until(40, jobs * (1 - bad), 0.3), failed=until(40, jobs * bad, 0))
    return Case(
        "a fault that is over", (world,), (ALONE,), (at(60), at(85), at(100), at(140)), beside=(BURN, FAIL)
    )


def first_failures(g: Ground) -> Case | None:
    """A queue whose counter appears with its first failures: they count."""
    if both_bounds(g, FAILURES) is None:
        return None
    world = _world(g, 60).queue(first=6, alive=until(20, 0, 1))
    fires = ((FAIL, _W, QUEUE), (FAIL, _C, QUEUE))
    count = Query(30, f'round({n.increase("30m")}{{status="failed"}})', ((_series(g), 6),))
    return Case(
        "the first failures ever count", (world,), (FAIL,), (at(19), at(30, *fires)), (count,), beside=(BURN,)
    )


def _series(g: Ground, more: str = ', status="failed"') -> str:
    prefix = "" if g.config.profile == "bullmq" else ', prefix="bull"'
    return f'{{job="{g.config.job}"{prefix}, queue="{QUEUE}"{more}}}'


def burn(g: Ground) -> Case | None:
    """Far above the budget: each pair of windows speaks for itself, and says so in its label."""
    share = budget(g)
    rate = min(share * 30, 1)
    if not g.config.guards.few_jobs or rate <= share * 14.4:
        return None
    severity = _C if g.config.page_on_burn else _W
    jobs = busy(rate)
    world = _world(g, 295).queue(
        finished=until(240, jobs * (1 - rate), jobs), failed=until(240, jobs * rate, 0)
    )
    # Not many failures: twelve in an hour are enough, and nine in six hours are for the longer pair only.
    world.queue("twelve", finished=0.2 * (1 / rate - 1), failed=0.2)
    world.queue("nine", finished=(1 / rate - 1) / 24, failed=lambda now: 1 if now % 24 == 0 else 0)
    world.queue("tenfold", finished=40 * (1 - share * 10), failed=40 * share * 10)
    firing = f'{n.ALERTS}{{alertname="{BURN}", alertstate="firing", severity="{severity}", queue'
    expr = f"count by (window) ({firing}={quote(QUEUE)}}})"
    named = (("twelve", "1h"), ("twelve", "6h"), ("nine", "6h"), ("tenfold", "6h"))
    few = Query(
        230,
        f'count by (queue, window) ({firing}=~"twelve|nine|tenfold"}})',
        tuple((f'{{queue="{queue}", window="{window}"}}', 1) for queue, window in named),
    )
    pairs = Query(230, expr, (('{window="1h"}', 1), ('{window="6h"}', 1)))
    early = Query(20, expr, ())
    hour = Query(45, expr, (('{window="1h"}', 1),))
    # The short window ends an alert long before the long one has forgotten.
    ending = Query(258, expr, (('{window="6h"}', 1),))
    over = Query(290, expr, ())
    prefix = "" if g.config.profile == "bullmq" else 'prefix="bull", '
    seen = Query(
        230,
        f'{n.seen_ratio("1h")}{{queue="{QUEUE}"}}',
        ((f'{n.seen_ratio("1h")}{{job="{g.config.job}", {prefix}queue="{QUEUE}"}}', 1),),
    )
    return Case(
        "the budget burns in two pairs of windows at once",
        (world,),
        (),
        (),
        (early, hour, pairs, few, ending, over, seen),
    )


def slow_burn(g: Ground) -> Case | None:
    """A little too fast for days: the long windows see it, once they are half full, and forget it when it is over."""
    share = budget(g)
    if not g.config.guards.coverage or share * 4 >= 1:
        return None

    def failed(now: int) -> float:
        return 40 * share * (2 if now < 2500 else 4 if now < 3500 else 0)

    # The busy hour is longer ago than three days at the end.
    world = _world(g, 4400).jobs(QUEUE, lambda now: 400 if 10 <= now < 70 else 40 - failed(now), failed)
    if g.config.guards.few_jobs:
        world.jobs("few", 0.05, between(2350, 2354, 1, 0)).jobs("ten", 0.05, between(2350, 2360, 1, 0))
    # What the evaluations between two of this test would have written; without it the alerts would hold as if blind.
    world.series[f"{n.VISIBLE}{{job={quote(g.config.job)}}}"] = [1.0] * (world.minutes + 1)
    firing = f'count by (window) ({n.ALERTS}{{alertname="{BURN}", alertstate="firing", window=~"1d|3d", queue'
    expr, ten = f'{firing}!="ten"}})', f'{firing}="ten"}})'
    day, three_days = ('{window="1d"}', 1.0), ('{window="3d"}', 1.0)
    seen = ((2000, ()), (2400, (three_days,)), (3400, (day, three_days)), (3570, (three_days,)), (3815, ()))
    days = tuple(
        Query(4400, f'round({n.finished(window)}{{queue="{QUEUE}"}}, 100)', ((_series(g, ""), jobs),))
        for window, jobs in (("1d", 57600.0), ("3d", 172800.0))
    )
    whole = tuple(Query(4400, _seen_of(window), ((_series(g, ""), 1.0),)) for window in ("6h", "1d", "3d"))
    # Half an hour holds six of these evaluations where it would hold thirty.
    peak = f"round({n.recorded('redis', c.PROCESSED, 'per_hour_max1d')} * 5, 100)"
    busiest = Query(4400, peak, ((f'{{job="{g.config.job}"}}', 2400.0),))
    # Ten failures beside the jobs of a day, and beside those of all the time until then.
    burning = ((day, 3 * share, 1440), (three_days, share, 2400))
    ten_burn = tuple(window for window, rate, minutes in burning if 10 / (10 + 0.05 * minutes) > rate)
    enough = Query(2400, ten, ten_burn if g.config.guards.few_jobs else ())
    burns = (Query(minute, expr, samples) for minute, samples in seen)
    queries = (*burns, enough, *days, *whole, busiest)
    return Case("the budget burns slowly", (world,), (), (), queries, every_minutes=5)


def _seen_of(window: str) -> str:
    return f'round({n.seen_ratio(window)}{{queue="{QUEUE}"}}, 0.001)'


def new_and_gone(g: Ground) -> Case | None:
    """A new queue gets the defaults, and a queue that is deleted ends its alerts and its long windows."""
    bounds = both_bounds(g, FAILURES)
    if bounds is None:
        return None
    bad = share_above(bounds[1], 4)
    jobs = busy(bad)
    world = _world(g, 140).queue(finished=jobs * (1 - bad), failed=jobs * bad, alive=between(60, 110, 1, 0))
    fires = ((FAIL, _W, QUEUE), (FAIL, _C, QUEUE))
    ended = tuple(Query(117, gone, ()) for gone in (*map(n.increase, WINDOWS), n.bound(FAILURES, "queue")))
    return Case(
        "a new queue is judged, a deleted one no more",
        (world,),
        (FAIL,),
        (at(59), at(80, *fires), at(125)),
        ended,
        beside=(BURN,),
    )


CASES: tuple[Maker, ...] = (
    failures,
    hardly_above,
    fault_is_over,
    first_failures,
    burn,
    slow_burn,
    new_and_gone,
)
