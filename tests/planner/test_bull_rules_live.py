"""The planner's rules are those of the installed libraries: one plan, played by both on a real Redis."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from planner.bull_options import Crashes
from planner.fleet import Fleet, RateLimit
from planner.simulation.bull_rules import joins_late
from planner.simulation.queue_kernel import ONCE_AT_HEAD
from planner.simulation.queue_run import Crashing, Jobs, run
from planner.workload import Retries
from tests.planner.bull_plans import NODE, STALL, Start, Worker, add, by_our_rules, each, family_of, really
from tests.processes import Program

ALL = each("bull3", "bull4", "bullmq2", "bullmq3", "bullmq4", "bullmq5", "bullmq6")


@pytest.fixture
def play(plan_redis, request):
    """Plays a plan on a queue of its own."""

    def play(library: str, plan: dict) -> list[Start]:
        return really(library, plan_redis.url, request.node.name, plan)

    return play


def names(starts: list[Start]) -> list[str]:
    return [start.job for start in starts]


@pytest.mark.parametrize("library", ALL)
def test_priorities_and_lifo_start_in_our_order(play, library):
    priorities = [0, 5, 1, 0, 3, 1]
    steps = [
        add(f"job {place}", 10 * place, **({"priority": value} if value else {}))
        for place, value in enumerate(priorities)
    ]
    steps += [add("first", 70), add("newest", 80, lifo=True), add("newer still", 90, lifo=True)]
    assert names(play(library, {"steps": steps, "count": 9, "workAt": 400})) == by_our_rules(
        library, steps, 1, 0.4
    )


@pytest.mark.parametrize("library", ALL)
def test_delayed_jobs_join_where_ours_do(play, library):
    """All slots are busy when the delayed one falls due; another comes before one gets free."""
    steps = [add("gate", 0, 1600), add("early", 50), add("delayed", 60, delay=600), add("late", 1200)]
    really_so = names(play(library, {"steps": steps, "count": 4}))
    assert really_so == by_our_rules(library, steps, 1)
    late = ["gate", "early", "late", "delayed"]
    assert (really_so == late) == joins_late(*family_of(library))


@pytest.mark.parametrize("library", each("bull4", "bullmq3", "bullmq5", "bullmq6"))
def test_a_delayed_lifo_job_joins_the_tail(play, library):
    steps = [add("gate", 0, 1500), add("early", 50), add("delayed", 60, delay=400, lifo=True)]
    assert names(play(library, {"steps": steps, "count": 3})) == by_our_rules(library, steps, 1)


@pytest.mark.parametrize("library", each("bull4", "bullmq3", "bullmq5", "bullmq6"))
def test_an_immediate_retry_joins_the_tail(play, library):
    """A failed attempt without back-off: the job is behind those that wait."""
    failing = {"add": {"job": "a", "data": {"fails": 1}, "opts": {"attempts": 2}}}
    starts = play(library, {"steps": [failing, add("b"), add("c")], "count": 3, "workAt": 300})
    assert names(starts) == in_our_order(back=0.0) == ["a", "b", "c", "a"]


HOLD = 0.01


def in_our_order(back: float) -> list[str]:
    """One slot; `a` is tried again `back` seconds after the first time, or found while its worker is away (below 0)."""
    hold = HOLD
    jobs = Jobs(
        ready=np.zeros(3),
        rank=np.zeros(3, dtype=np.int64),
        first=np.array([0, 2, 3, 4]),
        hold=np.full(4, hold),
        back=np.array([back, 0.0, 0.0, 0.0]),
    )
    out = run(jobs, Fleet(1))
    last = zip((out.finished - hold).tolist(), ("a", "b", "c"), strict=True)
    return [name for _, name in sorted([(0.0, "a"), *last])]


@pytest.mark.parametrize(("library", "backoff"), [("bull4", "bull_exponential"), ("bullmq5", "exponential")])
@pytest.mark.parametrize("kind", ["fixed", "exponential"])
def test_retries_come_back_no_sooner_than_ours_and_soon_after(play, library, backoff, kind):
    options = {"attempts": 4, "backoff": {"type": kind, "delay": 300}}
    step = {"add": {"job": "a", "data": {"fails": 3}, "opts": options}}
    starts = play(library, {"steps": [step], "count": 1})
    ours = Retries(0.5, 4, 0.3, "fixed" if kind == "fixed" else backoff)  # type: ignore[arg-type]
    assert [start.attempt for start in starts] == [1, 2, 3, 4]
    for failure, (before, after) in enumerate(pairwise(starts), 1):
        late = after.started - before.ended - ours.delay_after(failure)
        assert -0.01 <= late < 0.25, f"after failure {failure}"


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("kind", ["fixed", "exponential"])
def test_jitter_takes_off_as_much_as_bullmq_does(kind):
    ours = Retries(0.1, 9, 2.0, kind, jitter=0.4)  # type: ignore[arg-type]
    program = f"""
        const {{ Backoffs }} = require('bullmq5/dist/cjs/classes/backoffs')
        const o = {{type: '{kind}', delay: 2000, jitter: 0.4}}
        console.log(JSON.stringify(Array.from({{ length: 4000 }}, () => Backoffs.calculate(o, 3))))"""
    node = Program(["node", "-e", program], cwd=NODE)
    assert node.finish() == 0
    delays = np.array(json.loads(node.lines[-1])) / 1000
    longest = ours.delay_after(3)
    assert delays.max() <= longest and delays.min() >= longest * 0.6 - 0.001
    # Uniform between both ends: the planner's runs take `jitter` times a random part off.
    assert delays.mean() == pytest.approx(longest * 0.8, rel=0.02)
    assert delays.std() == pytest.approx(longest * 0.4 / 12**0.5, rel=0.1)


def grouped(starts: list[float], apart: float = 0.2) -> list[int]:
    """How many start together."""
    sizes, last = [0], starts[0]
    for start in starts:
        if start - last > apart:
            sizes.append(0)
        sizes[-1] += 1
        last = start
    return sizes


@pytest.mark.parametrize("library", each("bullmq3", "bullmq4", "bullmq5", "bullmq6"))
def test_a_window_opens_with_its_first_start(play, library):
    """Five jobs, three a window of 700 ms; none for a while, then the next window opens with the next start."""
    steps = [*(add(f"job {place}") for place in range(5)), add("later", 2700), add("last", 2750)]
    worker = {"concurrency": 8, "limiter": {"max": 3, "duration": 700}}
    starts = [start.started for start in play(library, {"steps": steps, "count": 7, "worker": worker})]
    ready = np.array([start / 1000 for start in (0, 0, 0, 0, 0, 2700, 2750)])
    out = run(
        Jobs(ready, np.zeros(7, dtype=np.int64), np.arange(8), np.full(7, 0.001), np.zeros(7)),
        Fleet(8, rate_limit=RateLimit(3, 0.7)),
    )
    ours = (ready + out.waits).tolist()
    assert grouped(starts) == grouped(ours) == [3, 2, 2]
    assert starts[3] - starts[0] == pytest.approx(ours[3] - ours[0], abs=0.25)


@pytest.mark.parametrize("library", each("bull3", "bull4"))
def test_bull_spreads_what_is_over_the_limit(play, library):
    """No windows as BullMQ's: what is over the limit is put off, one each duration ÷ max. As many an hour."""
    worker = {"concurrency": 8, "limiter": {"max": 3, "duration": 600}}
    starts = play(
        library, {"steps": [add(f"job {n}") for n in range(8)], "count": 8, "worker": worker, "workAt": 200}
    )
    gaps = np.diff([start.started for start in starts])
    assert gaps[:2].max() < 0.15 and gaps[2] > 0.55
    assert gaps[3:] == pytest.approx([0.2] * 4, abs=0.12)


@pytest.mark.parametrize("library", each("bull3", "bull4", "bullmq3", "bullmq5", "bullmq6"))
def test_nothing_starts_while_paused(play, library):
    steps = [add("a"), {"at": 700, "pause": {}}, add("b", 800), add("c", 850), {"at": 1500, "resume": {}}]
    starts = play(library, {"steps": steps, "count": 3})
    out = run(
        Jobs(
            np.array([0.0, 0.8, 0.85]),
            np.zeros(3, dtype=np.int64),
            np.arange(4),
            np.full(3, 0.001),
            np.zeros(3),
        ),
        Fleet(1),
        ((0.7, 1.5),),
    )
    assert names(starts) == ["a", "b", "c"]
    assert out.waits.tolist() == pytest.approx([0.0, 0.7, 0.651])
    assert starts[0].started < 0.7 and all(start.started >= 1.49 for start in starts[1:])


@pytest.mark.parametrize("library", each("bullmq3", "bullmq4", "bullmq5", "bullmq6"))
def test_a_parent_starts_after_its_last_child_before_all_that_wait(play, library):
    children = [{"job": "short", "data": {"ms": 300}}, {"job": "long", "data": {"ms": 1000}}]
    steps = [
        {"at": 300, "flow": {"job": "parent", "children": children}},
        add("filler", 500, 1500),
        add("waiting", 600),
    ]
    starts = play(library, {"steps": steps, "count": 5, "worker": {"concurrency": 2}})
    jobs = Jobs(
        ready=np.array([0.3, 0.3, 0.3, 0.5, 0.6]),  # parent, short, long, filler, waiting
        rank=np.zeros(5, dtype=np.int64),
        first=np.arange(6),
        hold=np.array([0.001, 0.3, 1.0, 1.5, 0.001]),
        back=np.zeros(5),
        parent=np.array([-1, 0, 0, -1, -1]),
    )
    out = run(jobs, Fleet(2))
    ended = out.finished - jobs.hold
    order = [
        ("parent", "short", "long", "filler", "waiting")[place] for place in np.argsort(ended, kind="stable")
    ]
    assert names(starts) == order == ["short", "long", "filler", "parent", "waiting"]


@pytest.mark.parametrize("library", each("bullmq3", "bullmq4", "bullmq5", "bullmq6"))
def test_a_parent_starts_after_its_last_child_in_another_queue_before_all_that_wait(play, library):
    """The other queue has a job of its own before the children; the parent's is busy when the last of them ends."""
    children = [
        {"job": "first child", "data": {"ms": 300}, "elsewhere": True},
        {"job": "last child", "data": {"ms": 400}, "elsewhere": True},
    ]
    steps = [
        {"add": {"job": "own", "data": {"ms": 500}, "elsewhere": True}},
        {"at": 200, "flow": {"job": "parent", "children": children}},
        add("filler", 800, 2500),
        add("waiting", 900),
    ]
    starts = play(library, {"steps": steps, "count": 6, "elsewhere": {}})
    alike = np.zeros(3, dtype=np.int64), np.arange(4)
    theirs = run(Jobs(np.array([0.0, 0.2, 0.2]), *alike, np.array([0.5, 0.3, 0.4]), np.zeros(3)), Fleet(1))
    ready, hold = np.array([0.8, 0.9, theirs.finished.max()]), np.array([2.5, 0.001, 0.001])
    ours = run(Jobs(ready, *alike, hold, np.zeros(3), lifo=np.array([0, 0, ONCE_AT_HEAD])), Fleet(1))
    there = np.array(["own", "first child", "last child"])[np.argsort(theirs.finished)].tolist()
    here = np.array(["filler", "waiting", "parent"])[np.argsort(ours.finished - hold)].tolist()
    assert there == [name for name in names(starts) if name in there] == ["own", "first child", "last child"]
    assert here == [name for name in names(starts) if name in here] == ["filler", "parent", "waiting"]
    ended = {start.job: start.ended for start in starts}
    assert ended["last child"] <= next(start.started for start in starts if start.job == "parent")


@pytest.mark.parametrize("library", each("bullmq5", "bullmq6"))
def test_global_concurrency_is_a_number_of_slots(play, library):
    plan = {"steps": [add(f"job {n}", 0, 400) for n in range(6)], "count": 6, "workAt": 300}
    starts = play(library, {**plan, "worker": {"concurrency": 5}, "globalConcurrency": 2})
    most = max(sum(one.started <= at.started < one.ended for one in starts) for at in starts)
    assert most == 2
    assert grouped([start.started for start in starts]) == [2, 2, 2]


@pytest.mark.parametrize("library", each("bull4", "bullmq5"))
def test_jobs_that_compute_share_one_event_loop(play, library):
    """Four slots, four jobs that compute: one after the other, as slots of a process with one core."""
    steps = [{"add": {"job": f"job {n}", "data": {"spin": 150}}} for n in range(4)]
    starts = play(library, {"steps": steps, "count": 4, "worker": {"concurrency": 4}, "workAt": 300})
    for before, after in pairwise(starts):
        assert after.started >= before.ended - 0.001


HELD = {"job": "a", "data": {"ms": 60_000, "tell": True}}


@pytest.mark.parametrize("library", each("bull4", "bullmq4", "bullmq5", "bullmq6"))
def test_a_stalled_job_comes_back_to_the_head_and_once_at_most(plan_redis, request, library):
    """`maxStalledCount` is 1 by default: the second crash is the end of the job, without another start."""
    queue = request.node.name
    Worker(library, plan_redis.url, queue, {"steps": [{"add": HELD}], "count": 9, "worker": STALL}).killed_at(
        "started a"
    )
    # The next worker is busy with `b` while the stall is found; `a` then comes before `c`, which waits already.
    steps = [add("b", 0, 2500), add("c", 200)]
    second = Worker(library, plan_redis.url, queue, {"steps": steps, "count": 9, "worker": STALL})
    second.killed_at("started a")
    third = Worker(library, plan_redis.url, queue, {"steps": [], "count": 2, "worker": STALL})
    assert third.notes() == ["c"], "`a` came before it, and ended as failed with no third start"
    assert in_our_order(back=-HOLD / 2) == ["a", "a", "b", "c"]


@pytest.mark.parametrize("library", each("bull4", "bullmq4", "bullmq5", "bullmq6"))
def test_a_process_that_dies_loses_all_its_jobs_and_they_go_before_what_waits(plan_redis, request, library):
    """One check moves both before any starts: the living process is busy while their locks end and they are found."""
    queue, worker = request.node.name, {"stalledInterval": 400, "lockDuration": 2500, "concurrency": 2}
    lost = [{"add": {"job": name, "data": {"tell": True}}} for name in ("a", "b")]
    plan = {"steps": lost, "count": 9, "holds": 60_000, "worker": worker}
    dying = Worker(library, plan_redis.url, queue, plan)
    dying.program.wait_for("started a")
    dying.killed_at("started b")
    steps = [add("gate", 0, 5500), add("gate too", 0, 5500), add("c", 200), add("d", 210)]
    really_so = Worker(library, plan_redis.url, queue, {"steps": steps, "count": 6, "worker": worker}).notes()
    # Ours: both processes at work, the first dies at 0.1 s and never comes back.
    jobs = Jobs(
        ready=np.array([0.0, 0.0, 0.001, 0.001, 0.3, 0.31]),  # a, gate, b, gate too, c, d
        rank=np.zeros(6, dtype=np.int64),
        first=np.arange(7),
        hold=np.array([0.5, 5.5, 0.5, 5.5, 0.001, 0.001]),
        back=np.zeros(6),
    )
    rules = Crashes(1e9, lock_seconds=2.5, check_seconds=0.4, restart_seconds=1e9)
    out = run(jobs, Fleet(4, processes=2), crashing=Crashing(np.array([0.1]), np.array([0]), 0.0, rules))
    begun = out.finished - jobs.hold
    order = np.array(["a", "gate", "b", "gate too", "c", "d"])[np.argsort(begun, kind="stable")].tolist()
    assert sorted(order[:2]) == sorted(really_so[:2]) == ["gate", "gate too"]
    assert sorted(order[2:4]) == sorted(really_so[2:4]) == ["a", "b"]
    assert order[4:] == really_so[4:] == ["c", "d"]


def test_every_rule_says_where_it_was_tried():
    text = (Path(__file__).parents[2] / "docs/decisions/0103-bull-rules.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    assert len(rows) >= 12
    assert all(line.rstrip(" |").rpartition("|")[2].strip() for line in rows)
