"""This file knows what a panel and a board are, as values, before any of Grafana's own forms."""

from dataclasses import dataclass
from enum import StrEnum

from alerts.signals import Signal


class Kind(StrEnum):
    """How a panel shows its queries."""

    LINES = "timeseries"
    NUMBER = "stat"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """One expression and the name of its lines."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its query's letter, and the signal whose bounds colour it."""

    letter: str
    heading: str
    unit: str
    signal: Signal | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. Its colours change at the bounds of `signal`; `target` is a value and the side that is good."""

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str
    kind: Kind = Kind.LINES
    width: int = 12
    height: int = 8
    signal: Signal | None = None
    target: tuple[float, str] | None = None
    maximum: float | None = None
    columns: tuple[Column, ...] = ()
    """For tables: what is shown of each line beside its labels; without any, the labels alone."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `variables` are labels to choose by, in the order in which one narrows the next."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[str, ...] = ()
