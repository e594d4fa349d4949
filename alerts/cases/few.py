"""This file knows the rule tests on failures of queues with few jobs, where a single one makes a great share."""

from alerts import names as n
from alerts.cases.failures import ALONE, BURN, FAIL
from alerts.cases.jobs import both_bounds, share_above
from alerts.cases.ruletests import Case, Firing, Maker, Query, at
from alerts.cases.world import QUEUE, World, between, until
from alerts.rules import Ground
from alerts.signals import FAILURES, Severity

_W: Severity = "warning"
_C: Severity = "critical"


def _world(g: Ground, minutes: int) -> World:
    return World(g, minutes).begin()


def _alone(g: Ground) -> Firing:
    return (ALONE, g.config.severities.get(ALONE, _C), QUEUE)


def _judged(g: Ground, share: float) -> bool:
    """Whether few jobs of which this share fails are an alert under the bounds in force."""
    bounds = both_bounds(g, FAILURES)
    return bounds is not None and share > bounds[1] and g.config.guards.few_jobs


def one_of_three(g: Ground) -> Case | None:
    """One failure of three at night pages nobody."""
    if both_bounds(g, FAILURES) is None or not g.config.guards.few_jobs:
        return None
    once = between(190, 191, 1, 0)
    world = _world(g, 260).queue(finished=lambda now: 1 if now in (170, 205) else 0, failed=once)
    nothing = Query(260, n.failed_ratio("30m"), ())
    checks = (at(189), at(194), at(200), at(225), at(260))
    return Case("one failure of three pages nobody", (world,), (FAIL, ALONE, BURN), checks, (nothing,))


def one_success_of_few(g: Ground) -> Case | None:
    """A single job that succeeds does not end the alert of a queue on which the others fail."""
    if not _judged(g, 3 / 4):
        return None
    world = _world(g, 135).queue(
        finished=lambda now: 1 if now == 115 else 0, failed=lambda now: 1 if now in (20, 50, 85) else 0
    )
    fires = _alone(g)
    checks = (at(84), at(95, fires), at(130, fires))
    return Case("one success of few ends nothing", (world,), (ALONE, FAIL), checks, beside=(BURN,))


def most_of_few(g: Ground) -> Case | None:
    """Five jobs an hour of which nine in ten fail: that is an alert."""
    if not _judged(g, 8 / 9):
        return None
    world = _world(g, 240).queue(
        finished=lambda now: 1 if now % 120 == 60 else 0,
        failed=lambda now: 1 if now % 12 == 0 and now % 120 != 60 and now < 120 else 0,
    )
    severity = g.config.severities.get(ALONE, _C)
    fires = (ALONE, severity, QUEUE)
    return Case(
        "most of few jobs failing is an alert",
        (world,),
        (ALONE, FAIL),
        # An hour after the last failure it is over, though two hours still hold four.
        (at(60, fires), at(110, fires), at(188), at(235)),
        beside=(BURN,),
    )


def few_recovered(g: Ground) -> Case | None:
    """Half an hour of jobs that succeed ends it, though the hour still holds a failure."""
    if both_bounds(g, FAILURES) is None or not g.config.guards.few_jobs:
        return None
    world = _world(g, 225).queue(
        finished=lambda now: 1 if now >= 180 and now % 3 == 0 else 0,
        failed=lambda now: 1 if now in (130, 150, 170) else 0,
    )
    fires = _alone(g)
    return Case(
        "few failures and then success", (world,), (ALONE, FAIL), (at(178, fires), at(220)), beside=(BURN,)
    )


def few_go_on(g: Ground) -> Case | None:
    """Fewer failures than there were, and yet more than the mildest bound: that is not over."""
    bounds = both_bounds(g, FAILURES)
    if bounds is None or not g.config.guards.few_jobs:
        return None
    mildest = min(threshold.bound for threshold in g.thresholds.of(FAILURES))
    first, later = share_above(bounds[1], 2), share_above(mildest, 1.5)
    if (first + later) / 2 <= bounds[1]:
        return None
    rate = 4 / 30 / first
    world = _world(g, 125).queue(
        finished=until(60, rate * (1 - first), rate * (1 - later)),
        failed=until(60, rate * first, rate * later),
    )
    fires = _alone(g)
    return Case(
        "few failures that go on", (world,), (ALONE, FAIL), (at(50, fires), at(125, fires)), beside=(BURN,)
    )


def out_of_step(g: Ground) -> Case | None:
    """All three jobs of a night fail; scrapes and evaluations do not fall together, so that none counts as one."""
    if both_bounds(g, FAILURES) is None or not g.config.guards.few_jobs:
        return None
    step = 14
    # Each of these scrapes is the first after an evaluation: the job is in four rates, not in five.
    failing = [moment // step + 1 for moment in (1200, 2400, 3600)]
    world = World(g, 100 * 60 // step).begin().queue(failed=lambda now: 1 if now in failing else 0)
    fires = _alone(g)
    checks = (at(58), at(75, fires), at(90, fires))
    return Case(
        "three failures of three at night",
        (world,),
        (ALONE, FAIL),
        checks,
        beside=(BURN,),
        scrape_seconds=step,
    )


def cluster(g: Ground) -> Case | None:
    """Few jobs fail all night. A cluster of failures is told as what it is, and its end ends nothing else."""
    bounds = both_bounds(g, FAILURES)
    if bounds is None or not g.config.guards.few_jobs:
        return None
    failing = {*range(20, 260, 20), *range(121, 133, 2)}
    world = _world(g, 255).queue(failed=lambda now: 1 if now in failing else 0)
    clustered = ((FAIL, _W, QUEUE), (FAIL, _C, QUEUE))
    few = _alone(g)
    checks = (at(75, few), at(118, few), at(140, few, *clustered), at(185, few), at(250, few))
    return Case("a cluster among few failures", (world,), (ALONE, FAIL), checks, beside=(BURN,))


def burst(g: Ground) -> Case | None:
    """Ten jobs fail at once, and nothing comes after them: one alert, whose end is no other's beginning."""
    if both_bounds(g, FAILURES) is None or not g.config.guards.few_jobs:
        return None
    world = _world(g, 130).queue(failed=between(10, 11, 10, 0))
    fires = ((FAIL, _W, QUEUE), (FAIL, _C, QUEUE))
    checks = (at(22, *fires), at(55), at(75), at(100), at(130))
    return Case("a burst of failures", (world,), (ALONE, FAIL), checks, beside=(BURN,))


CASES: tuple[Maker, ...] = (
    one_of_three,
    one_success_of_few,
    most_of_few,
    few_recovered,
    few_go_on,
    out_of_step,
    cluster,
    burst,
)
