"""This file knows what all alerts share: bounds, guards, the hold while blind, owners, and how values are worded."""

from dataclasses import replace

from alerts import names as n
from alerts.config import Config
from alerts.promql import Matcher, literal, quote, without
from alerts.record_base import COVERED
from alerts.rules import HOUR, Alert, Ground, label
from alerts.signals import SEVERITIES, Severity, Signal

OWN_LABELS = ("prefix", "queue", "bound", "severity", "pool", "cache", "policy", "reason")
"""Labels by which the samples of one Redis differ."""
VALUE = "$value"


def against(signal: Signal, severity: Severity, observed: str, level: str, *extra: str) -> str:
    """Samples of `observed` on the bad side of their bound; they carry the bound in words."""
    ignored = ", ".join(("severity", "bound", *extra))
    return (
        f"{observed} {signal.sign} ignoring ({ignored}) group_left (bound) "
        f'{n.bound(signal, level)}{{severity="{severity}"}}'
    )


def not_held(g: Ground, *, limited: bool = True) -> str:
    """Leaves out queues that are paused, or rate-limited, now or in the last quarter of an hour."""
    if not g.config.guards.held_queues:
        return ""
    return f" unless {n.HELD_15M if limited else n.PAUSED_15M} == 1"


def unlabelled(expr: str) -> str:
    """The same samples without `severity`, so that a queue's guards match them label by label."""
    return f"max without (severity) ({expr})"


def covered(g: Ground, window: str) -> str:
    """Only where nearly all of the window was seen."""
    if not g.config.guards.coverage:
        return ""
    return f" and ignoring (prefix, queue, bound) {n.visible_ratio(window)} >= {COVERED}"


def severity_of(g: Ground, name: str, default: Severity) -> Severity:
    return g.config.severities.get(name, default)


def finish(g: Ground, alert: Alert) -> Alert:
    """The alert with the labels of its owner and with its hold."""
    labels = (*_team(g.config), *sorted(g.config.labels.items()), *alert.labels)
    finished = replace(alert, labels=labels, description=_worded(alert))
    if not (alert.holds and g.config.guards.hold_while_blind):
        return finished
    return replace(finished, expr=f"({alert.expr}) or ignoring (severity) ({_hold(g, finished)})")


def _hold(g: Ground, alert: Alert) -> str:
    """The alert as it was, with the value -1, until its queue and window can be judged again.

    Without this an exporter that dies, or a Redis, would send "resolved" for everything that it could no longer see.
    It ends when a target is no longer configured, six hours after it was last known.
    """
    firing = [
        Matcher("=", alert.name, "alertname"),
        label("alertstate", "firing"),
        label("severity", alert.severity),
    ]
    own = [Matcher("=", value, name) for name, value in alert.labels if name == "window"]
    selector = f"{n.ALERTS}{{{', '.join(map(str, [*firing, *own, g.job]))}}}"
    added = ("alertname", "alertstate", "severity", *(name for name, _ in alert.labels))
    ignored = ", ".join(OWN_LABELS)
    return (
        f"{without('max', added, selector)} * 0 - 1 unless ignoring ({ignored}) ({_known(alert)}) "
        f"and ignoring ({ignored}) last_over_time({n.UP_ANY}[{g.span(6 * HOUR)}])"
    )


def _known(alert: Alert) -> str:
    """Where the alert's condition can be judged: seen now, or nearly all of its window seen."""
    from alerts.record_base import WINDOWS

    for window, seconds in WINDOWS.items():
        if 0 < alert.window_seconds <= seconds:
            return f"{n.visible_ratio(window)} >= {COVERED}"
    return f"{n.VISIBLE} == 1"


def _team(config: Config) -> tuple[tuple[str, str], ...]:
    """The owner of the queue that an alert is about; others belong to the default team."""
    default = config.team or ""
    if not config.owners:
        return (("team", default),) if default else ()
    named = sorted(config.owners, key=lambda owner: owner.queue is None)
    cases = [
        f"if match {quote(f'^(?:{owner.pattern or literal(owner.queue or str())})$')} $labels.queue }}}}{owner.team}"
        for owner in named
    ]
    return (("team", "{{ " + "{{ else ".join(cases) + "{{ else }}" + default + "{{ end }}"),)


def _worded(alert: Alert) -> str:
    if not alert.holds:
        return alert.description
    blind = "There are no numbers now: the exporter or Redis is away. This was so when they were last seen."
    return f"{{{{ if lt $value 0.0 }}}}{blind}{{{{ else }}}}{alert.description}{{{{ end }}}}"


def both(g: Ground, signal: Signal) -> tuple[Severity, ...]:
    return tuple(s for s in SEVERITIES if g.thresholds.of(signal, s))


def bound_text(g: Ground, signal: Signal, severity: Severity) -> str:
    """The bound of everything that no override names, in words; for runbooks."""
    default = g.thresholds.default(signal, severity)
    found = [t for t in g.thresholds.of(signal, severity) if t.bound == default]
    return found[-1].text if found else ""
