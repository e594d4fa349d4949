"""This file knows the addresses of runbooks and dashboards that an alert points to."""

from dataclasses import dataclass

from alerts.config import Addresses
from alerts.rules import Alert

OVERVIEW, QUEUE, REDIS = "bullgauge-overview", "bullgauge-queue", "bullgauge-redis"
"""The uid of each dashboard."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where the links in the annotations lead."""

    addresses: Addresses

    def of(self, alert: Alert) -> dict[str, str]:
        """The annotations `runbook_url` and `dashboard_url`."""
        runbook = f"{self.addresses.runbooks.rstrip('/')}/{alert.name}.md"
        return {"runbook_url": runbook, "dashboard_url": self._dashboard(alert)}

    def _dashboard(self, alert: Alert) -> str:
        base = self.addresses.grafana.rstrip("/")
        if "$labels.queue" in alert.summary:
            # BullMQ's own metrics know no prefix, and their board has no variable for one.
            prefix = "{{ with $labels.prefix }}var-prefix={{ . | urlquery }}&{{ end }}"
            return f"{base}/d/{QUEUE}?{prefix}var-queue={{{{ $labels.queue | urlquery }}}}"
        return f"{base}/d/{REDIS if alert.summary.startswith('Redis') else OVERVIEW}"
