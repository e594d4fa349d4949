"""This file knows what all alerts share: bounds, guards, the hold while blind, owners, and how values are worded."""

from dataclasses import replace

from alerts import names as n
from alerts.config import Config
from alerts.promql import literal, quote, select, without
from alerts.recordings.base import COVERED, WINDOWS
from alerts.rules import Alert, Ground, label
from alerts.signals import SEVERITIES, Severity, Signal


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
    return replace(finished, expr=f"({alert.expr}) or ignoring (severity) ({_hold(finished)})")


def _hold(alert: Alert) -> str:
    """The alert as it fires now, from the recording of those that can't be judged."""
    own = [label(name, value) for name, value in alert.labels if name == "window"]
    mine = [label("alertname", alert.name), label("severity", alert.severity), *own]
    added = ("alertname", "alertstate", "severity", *(name for name, _ in alert.labels))
    return without("max", added, select(n.held(_window(alert)), *mine))


def _window(alert: Alert) -> str:
    """The window that must have been seen before the alert's condition can be judged; for most, now."""
    return next((name for name, seconds in WINDOWS.items() if 0 < alert.window_seconds <= seconds), "now")


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
