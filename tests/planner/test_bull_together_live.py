"""Several of Bull's rules in one plan: the installed libraries start every attempt in our order, on a real Redis."""

import pytest

from planner.fleet import RateLimit
from tests.planner.bull_plans import STALL, Worker, add, by_our_rules, each, really


@pytest.fixture
def order(plan_redis, request):
    """Plays a plan on a queue of its own; names in order of the starts."""

    def order(library: str, plan: dict) -> list[str]:
        starts = really(library, plan_redis.url, request.node.name, plan)
        return [start.job for start in sorted(starts, key=lambda start: start.started)]

    return order


AGAIN = {"attempts": 2}
LATER = {"attempts": 2, "backoff": {"type": "exponential", "delay": 400}}
MIXED = [
    add("plain", 0),
    add("fifth", 10, priority=5),
    add("first", 20, priority=1),
    add("first fails", 30, fails=1, priority=1, **AGAIN),
    add("third", 40, priority=3),
    add("plain fails", 50, fails=1, **AGAIN),
    add("comes back later", 60, fails=1, **LATER),
    add("plain too", 70),
    add("newest fails", 80, fails=1, lifo=True, **AGAIN),
    add("newest", 90, lifo=True),
]


@pytest.mark.parametrize("library", each("bull4", "bullmq3", "bullmq4", "bullmq5", "bullmq6"))
def test_priorities_lifo_and_retries_together(order, library):
    """All wait when the worker comes."""
    really_so = order(library, {"steps": MIXED, "count": 10, "workAt": 400})
    assert really_so == by_our_rules(library, MIXED, 1, 0.4)
    assert really_so[:3] == ["newest", "newest fails", "newest fails"], "a LIFO job is tried again at once"


@pytest.mark.parametrize("library", each("bullmq3", "bullmq4", "bullmq5", "bullmq6"))
def test_priorities_lifo_and_retries_under_a_limiter(order, library):
    """Four starts a second: what falls due while none may start is behind what came meanwhile."""
    steps = [*MIXED, add("meanwhile", 2150)]
    plan = {"steps": steps, "count": 11, "workAt": 400}
    limit = {"limiter": {"max": 4, "duration": 1000}}
    expected = by_our_rules(library, steps, 1, 0.4, RateLimit(4, 1.0))
    assert order(library, {**plan, "worker": limit}) == expected


@pytest.mark.slow
@pytest.mark.parametrize("library", ["bullmq3", "bullmq5", "bullmq6"])
def test_what_falls_due_while_the_limiter_holds_joins_late(order, library):
    steps = [add("a"), add("b"), add("due", 0, delay=900), add("meanwhile", 1300)]
    plan = {"steps": steps, "count": 4, "workAt": 200, "worker": {"limiter": {"max": 2, "duration": 1600}}}
    expected = by_our_rules(library, steps, 1, 0.2, RateLimit(2, 1.6))
    assert order(library, plan) == expected == ["a", "b", "meanwhile", "due"]


@pytest.mark.parametrize("library", each("bullmq4", "bullmq5", "bullmq6"))
def test_a_parent_with_a_priority_joins_the_tail_of_its_line(order, library):
    children = [{"job": "one", "data": {"ms": 50}}, {"job": "two", "data": {"ms": 50}}]
    flow = {"at": 0, "flow": {"job": "parent", "opts": {"priority": 2}, "children": children}}
    steps = [flow, add("second", 30, priority=2), add("third", 40, priority=3)]
    expected = by_our_rules(library, steps, 1, 0.3)
    really_so = order(library, {"steps": steps, "count": 5, "workAt": 300})
    assert really_so == expected == ["one", "two", "second", "parent", "third"]


@pytest.mark.slow
@pytest.mark.parametrize("library", ["bull4", "bullmq5", "bullmq6"])
def test_a_stalled_job_with_a_low_priority_comes_before_all(plan_redis, request, library):
    queue = request.node.name
    held = {"add": {"job": "a", "data": {"ms": 60_000, "tell": True}, "opts": {"priority": 9}}}
    Worker(library, plan_redis.url, queue, {"steps": [held], "count": 9, "worker": STALL}).killed_at(
        "started a"
    )
    steps = [add("busy", 0, 2500), add("plain", 200), add("urgent", 210, priority=1)]
    Worker(library, plan_redis.url, queue, {"steps": steps, "count": 9, "worker": STALL}).killed_at(
        "started a"
    )
    third = Worker(library, plan_redis.url, queue, {"steps": [], "count": 3, "worker": STALL})
    assert set(third.notes()) == {"plain", "urgent"}, "`a` came before both"
