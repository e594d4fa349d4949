"""This file knows all rule tests there are."""

from alerts import (
    cases_exporter,
    cases_failures,
    cases_few,
    cases_figures,
    cases_gaps,
    cases_guards,
    cases_held,
    cases_jobs,
    cases_queues,
    cases_redis,
    cases_times,
)
from alerts.ruletests import Maker

CASES: tuple[Maker, ...] = (
    *cases_jobs.CASES,
    *cases_times.CASES,
    *cases_failures.CASES,
    *cases_few.CASES,
    *cases_gaps.CASES,
    *cases_guards.CASES,
    *cases_queues.CASES,
    *cases_redis.CASES,
    *cases_exporter.CASES,
    *cases_figures.CASES,
    *cases_held.CASES,
)
