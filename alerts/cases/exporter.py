"""This file knows the rule tests on the monitoring itself: dead, absent, stale, and no false all-clear."""

from dataclasses import replace

from alerts import names as n
from alerts.cases.jobs import busy, share_above
from alerts.cases.ruletests import Case, Maker, Query, at
from alerts.cases.world import QUEUE, World, between, until
from alerts.rules import Ground
from alerts.signals import FAILURES, LATENCY, Severity
from exporter import catalogue as c

_W: Severity = "warning"
_C: Severity = "critical"
DOWN, ABSENT, STALE, FAIL = (
    "BullExporterDown",
    "BullExporterAbsent",
    "BullExporterStale",
    "BullFailureRateHigh",
)
BLIND = (DOWN, ABSENT, STALE, "BullRedisDown")


def _failing(g: Ground) -> float | None:
    """A share of failures above the critical bound."""
    bound = g.thresholds.default(FAILURES, _C)
    both = bound is not None and g.thresholds.default(FAILURES, _W) is not None
    return share_above(bound, 3) if both and bound is not None else None


_FIRES = ((FAIL, _W, QUEUE), (FAIL, _C, QUEUE))


def exporter_dies(g: Ground) -> Case | None:
    """What fired when the exporter died goes on until it is back and shows that all is well."""
    share = _failing(g)
    if share is None or not g.config.guards.hold_while_blind:
        return None
    up, jobs = between(60, 160, 0, 1), busy(share)
    world = (
        World(g, 220, exporter_up=up)
        .begin()
        .queue(finished=until(160, jobs * (1 - share), jobs), failed=until(160, jobs * share, 0))
    )
    checks = (
        at(59, *_FIRES),
        at(62, *_FIRES),
        at(70, *_FIRES, (DOWN, _C)),
        at(159, *_FIRES, (DOWN, _C)),
        at(170, *_FIRES),
        at(219),
    )
    shares = (("15m", 1.0), ("30m", 1.0), ("2h", 0.5))
    at_job = f'{{job="{g.config.job}"}}'
    seen = tuple(
        Query(59, n.visible_ratio(w), ((n.visible_ratio(w) + at_job, share),)) for w, share in shares
    )
    return Case(
        "a dying exporter sends no all-clear",
        (world,),
        (*BLIND, FAIL),
        checks,
        seen,
        beside=("BullErrorBudgetBurn",),
    )


def redis_dies(g: Ground) -> Case | None:
    """The same when Redis dies; and a dead Redis is neither a dead nor a stale exporter."""
    share = _failing(g)
    if share is None or g.config.profile == "bullmq" or not g.config.guards.hold_while_blind:
        return None
    world = World(g, 150, redis_up=between(60, 90, 0, 1)).begin()
    jobs = busy(share)
    world.queue(finished=until(90, jobs * (1 - share), jobs), failed=until(90, jobs * share, 0))
    down = ("BullRedisDown", g.config.severities.get("BullRedisDown", _C))
    checks = (at(59, *_FIRES), at(66, *_FIRES, down), at(89, *_FIRES, down), at(145))
    ratio = n.visible_ratio("2h")
    seen = Query(145, ratio, ((f'{ratio}{{job="{g.config.job}"}}', 0.75),))
    return Case(
        "a dying Redis sends no all-clear",
        (world,),
        (*BLIND, FAIL),
        checks,
        (seen,),
        beside=("BullErrorBudgetBurn",),
    )


def one_of_two_dies(g: Ground) -> Case:
    """With another exporter at work it is a warning, and the numbers stay."""
    worlds = tuple(
        World(g, 60, instance=name, exporter_up=up).begin().queue(finished=5)
        for name, up in (("a:10577", lambda _now: 1), ("b:10577", between(20, 45, 0, 1)))
    )
    expr = f'count by (instance, severity) ({n.ALERTS}{{alertname="{DOWN}", alertstate="firing"}})'
    query = Query(40, expr, (('{instance="b:10577", severity="warning"}', 1),))
    return Case(
        "one exporter of two dies",
        worlds,
        BLIND,
        (at(19), at(26, (DOWN, _W)), at(44, (DOWN, _W)), at(60)),
        (query,),
    )


def application(g: Ground) -> Case:
    """An application that exports the same names under a job of its own is not listened to."""
    names = (DOWN, "BullRedisDown", FAIL, "BullFailuresLowVolume", "BullNoWorkers", "BullQueueStuck")
    ours = World(g, 60).begin().queue(finished=5)
    apps = (("job", f"not-{g.config.job}"),)
    down = World(g, 60, labels=apps, instance="app-0", exporter_up=until(20, 1, 0)).begin()
    failing = World(g, 60, labels=apps, instance="app-1", redis_up=until(50, 1, 0)).begin()
    failing.queue(finished=5, failed=20).queue("stands", ready=50, workers=0).queue("stuck", ready=50)
    return Case("an application's own numbers", (ours, down, failing), names, (at(45), at(60)))


def absent(g: Ground) -> Case:
    """A target that discovery has lost is absent, not down."""
    world = World(g, 80, exporter_up=between(20, 60, None, 1)).begin().queue(finished=5)
    fires = (ABSENT, g.config.severities.get(ABSENT, _C))
    return Case("a target that is gone", (world,), BLIND, (at(19), at(33, fires), at(59, fires), at(70)))


def never_there(g: Ground) -> Case:
    """Rules without any exporter say so."""
    fires = (ABSENT, g.config.severities.get(ABSENT, _C))
    return Case("rules without an exporter", (), BLIND, (at(5), at(13, fires), at(30, fires)))


def stale(g: Ground) -> Case | None:
    """An exporter that answers but can't read events, and one that never could."""
    if g.config.profile == "bullmq":
        return None
    apart = next(name for name in (*g.config.redis_labels, "redis") if name != "job")
    later = World(g, 60, labels=((apart, "later"),)).begin(collected=between(20, 45, 0, 1))
    never = World(g, 60, labels=((apart, "never"),), exporter_up=until(40, 1, None)).begin(
        collected=lambda _now: 0
    )
    count = f'count by ({apart}) ({n.ALERTS}{{alertname="{STALE}", alertstate="firing"}})'
    both = Query(34, count, ((f'{{{apart}="later"}}', 1), (f'{{{apart}="never"}}', 1)))
    one = Query(18, count, ((f'{{{apart}="never"}}', 1),))
    queries = (one, replace(one, minute=28), both, Query(59, count, ()))
    return Case("numbers that are not whole", (later, never), (), (), queries)


def empty_page(g: Ground) -> Case | None:
    """A target that answers with a page of something else is no exporter."""
    if g.config.profile == "bullmq":
        return None
    world = World(g, 40).begin()
    world.series = {name: values for name, values in world.series.items() if name.startswith(f"{n.UP}{{")}
    fires = (STALE, g.config.severities.get(STALE, _C))
    unseen = Query(20, n.VISIBLE, ((f'{n.VISIBLE}{{job="{g.config.job}"}}', 0),))
    return Case("a target that answers without numbers", (world,), BLIND, (at(3), at(12, fires)), (unseen,))


def lost_events(g: Ground) -> Case | None:
    """Events trimmed, and gaps that nobody can count; a start that was not seen is no loss."""
    if g.config.profile == "bullmq" or not g.config.alerts.get("BullEventsLost", True):
        return None
    world = World(g, 70).begin().queue(finished=5)
    at_queue = {"queue": QUEUE, "prefix": "bull"}
    world.counter(c.EVENTS_LOST, between(10, 12, 7, 0), reason="trimmed", **at_queue)
    world.counter(c.EVENTS_LOST, 3, reason="unknown_start", **at_queue)
    world.counter(c.EVENTS_GAPS, between(40, 41, 1, 0), queue="gaps", prefix="bull")
    name, severity = "BullEventsLost", g.config.severities.get("BullEventsLost", _W)
    checks = (at(9), at(13, (name, severity, QUEUE)), at(36), at(42, (name, severity, "gaps")), at(67))
    return Case("events are lost", (world,), (name,), checks)


def missing_bucket(g: Ground) -> Case | None:
    """An exporter without the bucket of a bound: the alert could never fire, so that is said."""
    if g.config.profile == "bullmq" or g.thresholds.default(LATENCY, _W) is None:
        return None
    world = World(g, 60).begin().queue(finished=5)
    for series, values in world.series.items():
        if "_bucket{" in series and "+Inf" not in series:
            values[:25] = [None] * 25
    name = "BullBucketMissing"
    fires = (name, g.config.severities.get(name, _W))
    checks = (at(3), at(20, fires), at(24, fires), at(60))
    return Case("an exporter without a bound's bucket", (world,), (name, "BullLatencyHigh"), checks)


def rules_fail(g: Ground) -> Case:
    """Evaluations of these groups that fail; other groups are not our business."""
    world = World(g, 60).begin()
    for group in ("bullgauge-alerts", "others"):
        world.counter(n.RULE_FAILURES, between(10, 12, 1, 0), rule_group=f"/etc/rules.yaml;{group}")
    fires = ("BullRulesFailing", g.config.severities.get("BullRulesFailing", _C))
    return Case("rules fail", (world,), ("BullRulesFailing",), (at(9), at(13, fires), at(45)))


def watchdog(_g: Ground) -> Case:
    """The watchdog always fires."""
    expr = f'count({n.ALERTS}{{alertname="BullWatchdog", alertstate="firing"}})'
    return Case("the watchdog fires", (), (), (), (Query(1, expr, (("{}", 1),)),))


CASES: tuple[Maker, ...] = (
    exporter_dies,
    redis_dies,
    one_of_two_dies,
    application,
    absent,
    never_there,
    stale,
    empty_page,
    lost_events,
    missing_bucket,
    rules_fail,
    watchdog,
)
