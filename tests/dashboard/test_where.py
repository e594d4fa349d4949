"""One label with one of several values, asked of a Prometheus and of looks in memory alike."""

from __future__ import annotations

from dashboard.sources.memory import History
from dashboard.sources.query import selector
from dashboard.sources.source import Span
from exporter.catalogue import SIZE

PAGE = "".join(
    f'queue_size{{prefix="bull",queue="email",state="{state}"}} {number}\n'
    for number, state in enumerate(("waiting", "active", "failed", "a.b", "axb"), 1)
)


def test_several_values_are_matched_letter_by_letter() -> None:
    where = {"queue": 'a "b"', "state": ("active", "a.b")}
    assert selector(SIZE, where) == 'queue_size{queue="a \\"b\\"", state=~"active|a\\\\.b"}'


def test_looks_in_memory_are_chosen_by_several_values_too() -> None:
    history = History(15.0)
    history.add(100.0, PAGE)
    labels, values = history.gauge(SIZE.name, {"state": ("active", "a.b")}, Span(90.0, 100.0, 10.0))
    assert {one["state"]: value for one, value in zip(labels, values[0], strict=True)} == {
        "active": 2.0,
        "a.b": 4.0,
    }
