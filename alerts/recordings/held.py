"""This file knows which alerts hold: they fire, and whether they still should can't be seen."""

from collections.abc import Iterator

from alerts import names as n
from alerts.promql import Matcher
from alerts.recordings.base import COVERED, WINDOWS
from alerts.rules import HOUR, Ground, Recording, label

FORGOTTEN_SECONDS = 6 * HOUR
"""How long after a target was last configured its alerts are held."""
ADDED = ("alertname", "alertstate", "severity", "team", "window")
INNER = ("prefix", "queue", "bound", "pool", "cache", "policy", "reason")
"""Labels that an alert has beside those of its Redis."""


def held(g: Ground) -> Iterator[Recording]:
    """All that fire; then those that can't be judged now, and those whose window can't be.

    Without them an exporter that dies, or a Redis, would send "resolved" for everything that it could no longer see.
    """
    ignored = ", ".join((*ADDED, *INNER, *g.config.labels))
    firing = f"{n.ALERTS}{{{label('alertstate', 'firing')}, {Matcher('=~', 'Bull.+', 'alertname')}, {g.job}}}"
    configured = f"ignoring ({ignored}) {g.over('last', n.UP_ANY, FORGOTTEN_SECONDS)}"
    yield Recording(n.held("all"), f"{firing} * 0 - 1 and {configured}")
    known = {"now": f"{n.VISIBLE} == 1"}
    known |= {window: f"{n.visible_ratio(window)} >= {COVERED}" for window in WINDOWS}
    for window, judged in known.items():
        yield Recording(n.held(window), f"{n.held('all')} unless ignoring ({ignored}) ({judged})")
