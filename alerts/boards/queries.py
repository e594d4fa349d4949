"""This file knows how a panel asks for a recording: of this job, of the queues chosen, and of the bounds in force."""

from alerts import names as n
from alerts.boards.panels import Query
from alerts.rules import Ground
from alerts.signals import Signal

HERE = "{{queue}}"
_QUEUE = 'prefix=~"$prefix", queue=~"$queue"'


def of(g: Ground, record: str, more: str = "") -> str:
    conditions = ", ".join(part for part in (str(g.job), more) if part)
    return f"{record}{{{conditions}}}"


def queue_of(g: Ground, record: str, more: str = "") -> str:
    chosen = 'queue=~"$queue"' if g.config.profile == "bullmq" else _QUEUE
    return of(g, record, ", ".join(part for part in (chosen, more) if part))


def bounds(g: Ground, signal: Signal, level: str, where: str) -> tuple[Query, ...]:
    """The bounds in force as dashed lines, from the series that the rules compare with."""
    found = {t.severity for t in g.thresholds.of(signal)}
    record = n.bound(signal, level)
    return tuple(
        Query(f"max by (bound) ({of(g, record, _severity(severity) + where)})", f"{severity}: {{{{bound}}}}")
        for severity in sorted(found, reverse=True)
    )


def _severity(severity: str) -> str:
    return f'severity="{severity}"'
