"""This file knows the groups of metrics that can be asked for one by one, and what a choice of them may hold."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.spelling import close_to


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Metrics that are read together; where it is not asked for, no command and no line of a page is spent on it."""

    name: str
    collector: str
    """The part of the scrape whose success covers it."""
    holds: str


SIZES = Group("sizes", "queues", "Jobs in each state; whether a queue is paused, and whose it is.")
AGES = Group(
    "ages", "queues", "How long jobs wait and run, what is overdue, jobs without a worker, schedulers."
)
LIMITS = Group("limits", "queues", "Limits of concurrency and rate, and whether one holds jobs back now.")
TOTALS = Group("totals", "events", "Jobs added, ended and put back; what could not be seen of them.")
DURATIONS = Group("durations", "events", "Working times, by job type and outcome.")
WAITS = Group("waits", "events", "Waiting times.")
PAYLOADS = Group("payloads", "events", "Sizes of what jobs carry.")
CONNECTIONS = Group("connections", "connections", "Workers of each queue, connections by role and pool.")
REDIS = Group("redis", "redis", "The server's memory, limits, hits and time, and how fast it answers.")
CACHES = Group("caches", "caches", "The application's own caches.")

GROUPS = (SIZES, AGES, LIMITS, TOTALS, DURATIONS, WAITS, PAYLOADS, CONNECTIONS, REDIS, CACHES)
BY_NAME = {group.name: group for group in GROUPS}

Choice = frozenset[Group]
ALL: Choice = frozenset(GROUPS)
OF_EVENTS: Choice = frozenset((TOTALS, DURATIONS, WAITS, PAYLOADS))
"""Without any of them no event need be followed."""
OF_QUEUES: Choice = ALL - {REDIS, CACHES}
"""Shown for each queue, so the queues must be there."""


class GroupError(ValueError):
    """What was asked for can't be had; the text is one line: which value, which rule."""


def choice(names: Iterable[str], among: Choice = ALL) -> Choice:
    """The groups of these names; all that are to be had where none is named. Raises GroupError."""
    return frozenset(_group(name, among) for name in names) or among


def known(name: str) -> str:
    """The name itself, if a group has it. Raises GroupError."""
    return _group(name, ALL).name


def _group(name: str, among: Choice) -> Group:
    to_be_had = [group.name for group in GROUPS if group in among]
    group = BY_NAME.get(name)
    if group is None:
        rule = close_to(name, to_be_had) or f"; must be one of {', '.join(to_be_had)}"
        raise GroupError(f"{name!a:.40} is no group of metrics{rule}")
    if group not in among:
        raise GroupError(f"{name!r} is not read here: the setting `collect` has {', '.join(to_be_had)}")
    return group
