"""This file knows the form of single values of the configuration: labels, addresses, versions, times, PromQL."""

import re
from typing import Annotated, Any
from zoneinfo import available_timezones

import promql_parser
from pydantic import AfterValidator, BeforeValidator, Field

from alerts.quantities import QuantityError, Unit, parse

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"


def _label(name: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
        raise ValueError(f"{name!r} is no name of a label")
    if name in ("queue", "prefix"):
        raise ValueError(f"{name!r} tells queues apart, not servers or exporters")
    return name


def _web(address: str) -> str:
    if address and not address.startswith(("http://", "https://", "/")):
        raise ValueError(f"{address!r} must begin with http:// or https://")
    return address


def _open(address: str) -> str:
    if re.match(r"\w+://[^/?]*@", address):
        raise ValueError("holds a password in the clear; leave it out, since it would stand in every alert")
    return address


def _file(path: str) -> str:
    if "://" in path:
        raise ValueError("is an address, perhaps a secret one; put it into a file and name the file here")
    return path


def _team(name: str) -> str:
    if "{{" in name or '"' in name or "\\" in name:
        raise ValueError(f"{name!r} must be a plain name: no template, quotes or backslashes")
    return name


def _version(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f'must be in quotes, such as "0.25": YAML reads {value} as a number')
    return value


def _span(span: str) -> str:
    if not re.fullmatch(rf"{_TIME}-(?:{_TIME}|24:00)", span):
        raise ValueError(f"{span!r} must be HH:MM-HH:MM")
    if span[:5] == span[6:]:
        raise ValueError(f"{span!r} has no length; for a whole day write 00:00-24:00")
    return span


def _weekdays(text: str) -> str:
    days = text.split(":")
    unknown = [day for day in days if day not in DAYS]
    if unknown or len(days) > 2:
        raise ValueError(f"{text!r} must be a day such as saturday, or a range such as monday:friday")
    if len(days) == 2 and DAYS.index(days[0]) > DAYS.index(days[1]):
        raise ValueError(f"{text!r} runs backwards: Alertmanager's week begins on sunday")
    return text


def _zone(name: str) -> str:
    known = available_timezones()  # none at all on an image without the time zone database
    if known and name not in known:
        raise ValueError(f"{name!r} is no time zone such as Europe/Berlin")
    return name


def _promql(expr: str) -> str:
    try:
        read = promql_parser.parse(expr)
    except ValueError as error:
        raise ValueError(f"{expr!r} is no PromQL: {error}") from error
    if isinstance(
        read, promql_parser.StringLiteral | promql_parser.MatrixSelector | promql_parser.SubqueryExpr
    ):
        raise ValueError(f"{expr!r} gives text or a range; a recording needs one number a series")
    return expr


def _objective(text: str) -> str:
    try:
        share = parse(text, Unit.RATIO).value
    except QuantityError as error:
        raise ValueError(f"{text!r} {error}") from error
    if not 0 < share < 1:
        raise ValueError(f"{text!r} must be between 0% and 100%: it leaves a share of jobs that may fail")
    return text


LabelName = Annotated[str, AfterValidator(_label)]
Team = Annotated[str, Field(min_length=1), AfterValidator(_team)]
SecretFile = Annotated[str, Field(min_length=1), AfterValidator(_file)]
Open = Annotated[str, AfterValidator(_open)]
Web = Annotated[str, AfterValidator(_web)]
OpenWeb = Annotated[str, AfterValidator(_web), AfterValidator(_open)]
Version = Annotated[str, BeforeValidator(_version)]
Span = Annotated[str, AfterValidator(_span)]
Weekdays = Annotated[str, AfterValidator(_weekdays)]
Zone = Annotated[str, AfterValidator(_zone)]
Promql = Annotated[str, AfterValidator(_promql)]
Objective = Annotated[str, AfterValidator(_objective)]
