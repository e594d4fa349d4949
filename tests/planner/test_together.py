"""What all queues do together is told in numbers that people read."""

from __future__ import annotations

import pytest

from planner.together import lines


@pytest.mark.parametrize(
    ("backlog", "said"),
    [
        (0.0000804, "fewer than 0.01 jobs waiting on average"),
        (0.25, "0.25 jobs waiting on average"),
        (12.345, "12.3 jobs waiting on average"),
        (12345.6, "12,346 jobs waiting on average"),
        (None, "a backlog without end"),
    ],
)
def test_a_mean_backlog_is_told_without_powers_of_ten(backlog: float | None, said: str) -> None:
    whole = {
        "busy_slots": 0.85,
        "slots": 2,
        "mean_backlog_jobs": backlog,
        "memory_mb": 512.0,
        "gives_way_first": "email",
        "gives_way_set_by": "slots",
        "gives_way_at_times_the_load": 2.35,
        "backlog_per_hour": 0.0,
    }
    assert lines(whole) == [
        f"together 0.85 of 2 slots busy, {said}, 512 MB; first to give way: email, at 2.35 times the load"
    ]
