"""This file knows all rule tests there are."""

from alerts.cases import exporter as cases_exporter
from alerts.cases import failures as cases_failures
from alerts.cases import few as cases_few
from alerts.cases import figures as cases_figures
from alerts.cases import gaps as cases_gaps
from alerts.cases import guards as cases_guards
from alerts.cases import held as cases_held
from alerts.cases import jobs as cases_jobs
from alerts.cases import queues as cases_queues
from alerts.cases import redis as cases_redis
from alerts.cases import times as cases_times
from alerts.cases.ruletests import Maker

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
