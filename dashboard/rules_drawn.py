"""This file knows which bounds are drawn into which charts, and in which colour."""

from dataclasses import replace

from alerts.signals import LATENCY, SEVERITIES, THROUGHPUT
from dashboard import amounts
from dashboard.chart_bounds import Rule
from dashboard.look import CRITICAL, FINE, UNKNOWN, WARNING
from dashboard.page import Page
from dashboard.scorecard import JOBS_PER_HOUR
from planner.file.claims import ClaimsWords

LEVEL = {"critical": CRITICAL, "warning": WARNING}


def pace_rules(page: Page) -> list[Rule]:
    """The report's target, and the bounds of the alerts."""
    found = [Rule(JOBS_PER_HOUR, f"target {JOBS_PER_HOUR:,.0f}", FINE)]
    for name in SEVERITIES:
        bound = page.thresholds.default(THROUGHPUT, name)
        if bound is not None:
            found.append(Rule(bound, f"{name} {bound:,.0f}", LEVEL[name]))
    return found


def wait_rules(page: Page) -> list[Rule]:
    """The wanted mean, and the bounds of the alerts."""
    claims = page.file.claims if page.file is not None else ClaimsWords()
    found = [Rule(claims.mean_latency, f"target {amounts.seconds(claims.mean_latency)}", FINE)]
    for name in SEVERITIES:
        bound = page.thresholds.default(LATENCY, name)
        if bound is not None:
            found.append(Rule(bound, f"{name} {amounts.seconds(bound)}", LEVEL[name]))
    return found


def work_rules(page: Page) -> list[Rule]:
    """The same beside processing times, in grey: the report asks it of a latency that it does not define, and what is
    judged by it here is the wait.
    """
    return [replace(rule, colour=UNKNOWN) for rule in wait_rules(page)]
