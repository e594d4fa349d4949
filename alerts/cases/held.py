"""This file knows the rule tests on alerts that hold while the exporter or Redis is away, for every alert that does."""

from alerts import names as n
from alerts.cases.jobs import busy, share_above
from alerts.cases.ruletests import Case, Maker, Query, at
from alerts.cases.world import INSTANCE, QUEUE, World, until
from alerts.promql import quote
from alerts.recordings.base import WINDOWS
from alerts.rules import Alert, Ground
from alerts.ruleset import alerts as all_alerts
from alerts.signals import FAILURES, Severity

_W: Severity = "warning"
_C: Severity = "critical"
FAIL = "BullFailureRateHigh"


def every_alert(g: Ground) -> Case | None:
    """What fired when the exporter died fires on while it is dead, and ends when it is back and sees nothing wrong."""
    held = [alert for alert in all_alerts(g) if alert.holds and g.config.alerts.get(alert.name, True)]
    if not held or not g.config.guards.hold_while_blind:
        return None
    longest = int(max(alert.for_seconds for alert in held) // 60)
    back = longest + 30
    world = World(g, back + 140, exporter_up=until(back, 0, 1)).begin()
    for alert in held:
        world.series[_firing(g, alert)] = [1.0] * (int(alert.for_seconds // 60) + 4)
    names = sorted({alert.name for alert in held})
    chosen = f'alertstate="firing", alertname=~"{"|".join(names)}"'
    firing = f"count by (alertname) ({n.ALERTS}{{{chosen}}})"
    counts = tuple(
        (f"{{alertname={quote(name)}}}", float(sum(a.name == name for a in held))) for name in names
    )
    queries = (
        Query(back - 5, firing, counts),
        *(Query(back - 5, f"max({n.held(window)})", (("{}", -1.0),)) for window in ("now", *WINDOWS)),
        Query(back + 135, firing, ()),
    )
    return Case("every alert holds while the exporter is dead", (world,), tuple(names), (), queries)


def _firing(g: Ground, alert: Alert) -> str:
    """The series that Prometheus writes for an alert that fires."""
    about = {"prefix": "bull", "queue": QUEUE} if "$labels.queue" in alert.summary else {}
    labels = {
        "alertname": alert.name,
        "alertstate": "firing",
        "job": g.config.job,
        "severity": alert.severity,
        **about,
        **dict(g.config.labels),
        **dict(alert.labels),
    }
    return f"{n.ALERTS}{{{','.join(f'{name}={quote(value)}' for name, value in sorted(labels.items()))}}}"


def forgotten(g: Ground) -> Case | None:
    """A target that is taken out of the configuration is held for six hours, and then no more."""
    bound = g.thresholds.default(FAILURES, _C)
    if bound is None or g.thresholds.default(FAILURES, _W) is None or not g.config.guards.hold_while_blind:
        return None
    share = share_above(bound, 3)
    jobs = busy(share)
    gone = World(g, 460, exporter_up=until(60, 1, None)).begin()
    gone.queue(finished=jobs * (1 - share), failed=jobs * share)
    apart = next(name for name in (*g.config.redis_labels, "redis") if name != "job")
    other = (
        World(g, 460, instance=f"other-{INSTANCE}", labels=((apart, "other"),))
        .begin()
        .queue("fine", finished=5)
    )
    fires = ((FAIL, _W, QUEUE), (FAIL, _C, QUEUE))
    absent = ("BullExporterAbsent", g.config.severities.get("BullExporterAbsent", _C))
    checks = (at(55, *fires), at(65, *fires), at(80, *fires, absent), at(410, *fires, absent), at(440))
    names = (FAIL, "BullExporterAbsent")
    promise = "a target that is gone for good is forgotten"
    return Case(promise, (gone, other), names, checks, beside=_BESIDE, every_minutes=5)


_BESIDE = ("BullErrorBudgetBurn",)


def other_redis(g: Ground) -> Case | None:
    """One Redis that can't be seen holds none of another's alerts."""
    bound = g.thresholds.default(FAILURES, _C)
    if bound is None or g.thresholds.default(FAILURES, _W) is None or not g.config.guards.hold_while_blind:
        return None
    share = share_above(bound, 3)
    jobs = busy(share)
    apart = next(name for name in (*g.config.redis_labels, "redis") if name != "job")
    worlds = (
        World(g, 150, exporter_up=until(60, 1, 0), labels=((apart, "blind"),))
        .begin()
        .queue("fine", finished=5),
        World(g, 150, labels=((apart, "seen"),))
        .begin()
        .queue(finished=until(60, jobs * (1 - share), jobs), failed=until(60, jobs * share, 0)),
    )
    fires = ((FAIL, _W, QUEUE), (FAIL, _C, QUEUE))
    down = ("BullExporterDown", _C)
    checks = (at(59, *fires), at(140, down))
    names = (FAIL, "BullExporterDown")
    return Case("one Redis holds no alert of another", worlds, names, checks, beside=("BullErrorBudgetBurn",))


CASES: tuple[Maker, ...] = (every_alert, forgotten, other_redis)
