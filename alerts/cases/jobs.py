"""This file knows the rule tests on throughput: when too little is an alert, and when nobody is needed."""

from alerts import names as n
from alerts.cases.ruletests import Case, Maker, Query, at
from alerts.cases.world import World, until
from alerts.rules import Ground
from alerts.signals import THROUGHPUT, Severity, Signal
from exporter import catalogue as c

LOW = "BullThroughputLow"
_W, _C = "warning", "critical"


def both_bounds(g: Ground, signal: Signal) -> tuple[float, float] | None:
    """Warning and critical bound of queues without an override, where both are in force."""
    warning, critical = (g.thresholds.default(signal, s) for s in (_W, _C))  # type: ignore[arg-type]
    return None if warning is None or critical is None else (warning, critical)


def share_above(bound: float, times: float) -> float:
    """A share of jobs that is so many times its bound, or as far above it as there is room."""
    return min(bound * times, (1 + bound) / 2)


def busy(share: float) -> float:
    """Jobs a minute, so many that this share of them is no matter of few failures."""
    return max(40, 1 / share)


def _world(g: Ground, minutes: int) -> World:
    return World(g, minutes).begin()


def _of_throughput(g: Ground) -> tuple[float, float] | None:
    return both_bounds(g, THROUGHPUT) if g.config.guards.enough_work else None


def low(g: Ground) -> Case | None:
    """Below both bounds with enough work: both fire within 45 minutes, and end when the work is done faster."""
    bounds = _of_throughput(g)
    if bounds is None:
        return None
    warning, critical = bounds
    slow, fast = critical * 0.96 / 60, warning * 1.1 / 60
    ready = (warning * 1.05 - slow * 60) / 2
    world = _world(g, 140).queue(ready=ready, finished=until(60, slow, fast))
    if g.config.guards.held_queues and g.config.profile == "bullgauge":
        # What is at rest for two reasons takes nothing away from the others' demand.
        world.queue("at-rest", ready=warning, paused=1, workers=0)
    both = ((LOW, _C), (LOW, _W))
    return Case(
        "low throughput while work waits", (world,), (LOW,), (at(25), at(45, *both), at(59, *both), at(120))
    )


def hardly_below(g: Ground) -> Case | None:
    """A throughput a little below its bound shows only when its whole window is filled: within 45 minutes."""
    bounds = _of_throughput(g)
    if bounds is None:
        return None
    warning, critical = bounds
    begins = 40
    fast, slow = warning * 1.5 / 60, critical * 0.998 / 60
    world = _world(g, 90).queue(ready=(warning * 1.05 - slow * 60) / 2, finished=until(begins, fast, slow))
    fires = at(begins + 43, (LOW, _C), (LOW, _W))
    return Case(
        "a throughput hardly below its bound is noticed in time", (world,), (LOW,), (at(begins), fires)
    )


def between_bounds(g: Ground) -> Case | None:
    """Between the bounds it is a warning only."""
    bounds = _of_throughput(g)
    if bounds is None:
        return None
    rate = sum(bounds) / 2
    world = _world(g, 60).queue(ready=(bounds[0] * 1.05 - rate) / 2, finished=rate / 60)
    return Case(
        "throughput between the bounds is a warning", (world,), (LOW,), (at(45, (LOW, _W)), at(60, (LOW, _W)))
    )


def quiet_night(g: Ground) -> Case | None:
    """Little work, all of it done: waiting jobs are seen all night, but there is not enough of them."""
    bounds = _of_throughput(g)
    if bounds is None:
        return None
    world = _world(g, 120).queue(ready=bounds[1] / 40, finished=bounds[1] * 0.4 / 60)
    return Case("a quiet night is not low throughput", (world,), (LOW,), (at(45), at(90), at(120)))


def not_all_through(g: Ground) -> Case | None:
    """Enough work in sum, but none waiting at times: the workers keep up."""
    bounds = _of_throughput(g)
    if bounds is None:
        return None
    ready = bounds[0]
    world = _world(g, 120).queue(
        ready=lambda now: 0 if now % 20 == 0 else ready, finished=bounds[1] * 0.9 / 60
    )
    if g.config.guards.held_queues and g.config.profile == "bullgauge":
        world.queue("paused", ready=ready, paused=1)
    names = (LOW,)
    return Case(
        "low throughput needs work that waits all through the window",
        (world,),
        names,
        (at(60), at(119)),
        beside=("BullBacklogSlow",),
    )


def no_demand(g: Ground) -> Case | None:
    """What is paused, held by a limit, or due later is not demand."""
    bounds = _of_throughput(g)
    if bounds is None or not g.config.guards.held_queues or g.config.profile == "bullmq":
        return None
    much = bounds[0]
    world = _world(g, 90)
    world.queue("paused", size_prioritized=much, size_paused=much, paused=1, finished=1)
    # Some versions can't tell whether a limit bites; what is known of the queue still counts.
    world.series = {k: v for k, v in world.series.items() if not k.startswith(f"{c.RATE_LIMITED.name}{{")}
    world.queue("limited", ready=much, rate_limited=lambda now: now % 7 == 0, finished=10, workers=None)
    world.queue("later", size_delayed=much, finished=1)
    return Case("paused, limited and delayed jobs are no demand", (world,), (LOW,), (at(45), at(90)))


def after_a_pause(g: Ground) -> Case | None:
    """A guard looks back over its window, and no further."""
    bounds = _of_throughput(g)
    if bounds is None or not g.config.guards.held_queues or g.config.profile == "bullmq":
        return None
    slow = bounds[1] * 0.96
    world = _world(g, 85).queue(
        ready=(bounds[0] * 1.05 - slow) / 2, finished=slow / 60, paused=until(30, 1, 0), rate_limited=0
    )
    return Case("low throughput after a pause", (world,), (LOW,), (at(58), at(72, (LOW, _C), (LOW, _W))))


def after_desertion(g: Ground) -> Case | None:
    """Workers that were away for an hour are no excuse half a window after they are back."""
    bounds = _of_throughput(g)
    if bounds is None or not g.config.guards.held_queues or g.config.profile == "bullmq":
        return None
    slow = until(60, 0, bounds[1] * 0.5 / 60)
    world = _world(g, 90).queue(ready=bounds[0] * 2, finished=slow, workers=until(60, 0, 2))
    checks = (at(59), at(74), at(85, (LOW, _C), (LOW, _W)))
    beside = ("BullNoWorkers", "BullBacklogSlow")
    return Case("low throughput after desertion", (world,), (LOW,), checks, beside=beside)


def unknown_flags(g: Ground) -> Case | None:
    """An exporter that may not see flags and workers says nothing of them; then the queue is taken to run.

    There is enough of work at once, and yet not enough was seen before the window is nearly full.
    """
    bounds = _of_throughput(g)
    if bounds is None or g.config.profile == "bullmq":
        return None
    slow = bounds[1] * 0.96
    world = _world(g, 60).queue(ready=bounds[0], finished=slow / 60, workers=None)
    unseen = (f"{c.PAUSED.name}{{", f"{c.RATE_LIMITED.name}{{")
    world.series = {name: values for name, values in world.series.items() if not name.startswith(unseen)}
    checks = (at(25 if g.config.guards.coverage else 4), at(45, (LOW, _C), (LOW, _W)))
    return Case("flags that are unknown", (world,), (LOW,), checks, beside=("BullBacklogSlow",))


def twins(g: Ground) -> Case | None:
    """Two exporters see the same jobs: they count once, and the alert names neither."""
    bounds = _of_throughput(g)
    if bounds is None:
        return None
    slow = bounds[1] * 0.96
    ready = (bounds[0] * 1.05 - slow) / 2
    worlds = tuple(
        World(g, 60, instance=name).begin().queue(ready=ready, finished=slow / 60)
        for name in ("a:10577", "b:10577")
    )
    queries = (
        Query(
            60,
            f'count without (bound) ({n.ALERTS}{{alertname="{LOW}", severity="critical", alertstate="firing"}})',
            ((_alert(g, LOW, _C), 1),),
        ),
        Query(60, f"round({n.per_hour('redis')})", ((f'{{job="{g.config.job}"}}', round(slow)),)),
    )
    return Case(
        "two exporters of one Redis count once", worlds, (LOW,), (at(60, (LOW, _C), (LOW, _W)),), queries
    )


def _alert(g: Ground, name: str, severity: str) -> str:
    labels = {
        "alertname": name,
        "alertstate": "firing",
        "job": g.config.job,
        "severity": severity,
        **g.config.labels,
    }
    if g.config.team:
        labels["team"] = g.config.team
    return "{" + ", ".join(f'{k}="{v}"' for k, v in labels.items()) + "}"


def two_redis(g: Ground) -> Case | None:
    """Another Redis, told apart by a label of its target, is judged for itself."""
    bounds = _of_throughput(g)
    if bounds is None:
        return None
    slow = bounds[1] * 0.96
    ready = (bounds[0] * 1.05 - slow) / 2
    apart = next(name for name in (*g.config.redis_labels, "redis") if name != "job")
    worlds = (
        World(g, 60, labels=((apart, "a"),)).begin().queue(ready=ready, finished=slow / 60),
        World(g, 60, labels=((apart, "b"),)).begin().queue(ready=ready, finished=bounds[0] * 1.2 / 60),
    )
    return Case("two Redis servers are judged apart", worlds, (LOW,), (at(60, (LOW, _C), (LOW, _W)),))


def named(g: Ground, signal: Signal) -> tuple[str, float, tuple[Severity, ...]] | None:
    """A queue that an override names, its bound on the bad side of which all its alerts fire, and their severities."""
    found = [t for t in g.thresholds.of(signal) if t.matchers and t.matchers[0].operator == "="]
    if not found:
        return None
    queue = found[0].matchers[0].value
    mine = [t for t in found if t.matchers[0].value == queue]
    worst = max if signal.worse == "above" else min
    return queue, worst(t.bound for t in mine), tuple(t.severity for t in mine)


def low_on_one_queue(g: Ground) -> Case | None:
    """A queue with a bound of its own is judged by it, whatever the others do."""
    own = named(g, THROUGHPUT)
    if own is None or not g.config.guards.enough_work:
        return None
    queue, bound, severities = own
    world = _world(g, 60).queue(queue, ready=bound, finished=bound * 0.5 / 60).queue("other", finished=3)
    fires = tuple(("BullQueueThroughputLow", s, queue) for s in severities)
    return Case(
        "a queue below its own throughput", (world,), ("BullQueueThroughputLow",), (at(20), at(45, *fires))
    )


CASES: tuple[Maker, ...] = (
    low,
    hardly_below,
    between_bounds,
    quiet_night,
    not_all_through,
    no_demand,
    after_a_pause,
    after_desertion,
    unknown_flags,
    twins,
    two_redis,
    low_on_one_queue,
)
