"""An outage of the provider does to a queue what SimPy says, and what can be counted by hand."""

import random

import numpy as np
import pytest
import simpy

from planner.cli import main
from tests.planner.whatif_asking import ask

FLEET = """\
queues:
  - {{name: email, slots: {slots}, jobs_per_hour: 3600, service: {{law: exponential, mean: 2s}}{more}}}
"""


def after(tmp_path, capsys, slots: int, more: str, *options: str) -> dict:
    [one] = ask(tmp_path, capsys, FLEET.format(slots=slots, more=more), *options)
    [found] = one["outages"]
    return found


class Played:
    """One outage by SimPy: jobs a second 1, work 2 s, Bull's exponential or fixed delays."""

    def __init__(self, seed: int, slots: int, attempts: int, delay, away: tuple[float, float], until: float):
        self.chance, self.environment = random.Random(seed), simpy.Environment()
        self.slot = simpy.Resource(self.environment, slots)
        self.attempts, self.delay, self.away = attempts, delay, away
        self.delayed = self.failed = self.wasted = self.peak = 0
        self.environment.process(self.arrive(until))
        self.environment.run()

    def arrive(self, until: float):
        while self.environment.now < until:
            yield self.environment.timeout(self.chance.expovariate(1.0))
            self.environment.process(self.job())

    def job(self):
        for attempt in range(1, self.attempts + 1):
            with self.slot.request() as turn:
                self.look()
                yield turn
                lost = self.away[0] <= self.environment.now < self.away[1]
                yield self.environment.timeout(self.chance.expovariate(0.5))
            if not lost:
                return
            self.wasted += 1
            if attempt == self.attempts:
                self.failed += 1
                return
            self.delayed += 1
            self.look()
            yield self.environment.timeout(self.delay(attempt))
            self.delayed -= 1

    def look(self):
        if self.environment.now >= self.away[0]:
            self.peak = max(self.peak, self.delayed + len(self.slot.queue))


@pytest.mark.parametrize(
    ("more", "attempts", "delay"),
    [
        (", retries: {failure_ratio: 0, attempts: 3, delay: 20s}", 3, lambda _: 20.0),
        (", retries: {failure_ratio: 0, attempts: 5, delay: 8s, backoff: exponential}", 5, lambda k: 4.0 * 2**k),
        ("", 1, None),
    ],
)  # fmt: skip
def test_backlog_waste_and_losses_are_those_of_simpy(tmp_path, capsys, more, attempts, delay):
    found = after(tmp_path, capsys, 4, more, "--outage", "email=2m")
    runs = [Played(seed, 4, attempts, delay, (200.0, 320.0), 700.0) for seed in range(40)]
    for ours, theirs in (
        ("peak_backlog", "peak"),
        ("attempts_wasted", "wasted"),
        ("failed_for_good", "failed"),
    ):
        values = np.array([getattr(run, theirs) for run in runs])
        error = 3.5 * values.std() * np.sqrt(1 / len(runs) + 1 / found["runs"])
        assert abs(found[ours]["mean"] - values.mean()) <= error, ours


def test_without_retries_what_starts_in_the_outage_is_lost(tmp_path, capsys):
    found = after(tmp_path, capsys, 8, "", "--outage", "email=5m", "--fails-after", "100ms")
    assert found["failed_for_good"]["mean"] == pytest.approx(300, abs=3.5 * np.sqrt(300 / found["runs"]))
    assert found["failed_for_good"]["mean"] == found["attempts_wasted"]["mean"]
    assert any("no retries" in text for text in found["assumed"])


def test_with_patient_retries_all_that_comes_is_held_back_and_drained(tmp_path, capsys):
    """Jobs fail at once and come back every 400 s: until the outage ends, nobody leaves."""
    more = ", retries: {failure_ratio: 0, attempts: 99, delay: 400s}"
    found = after(tmp_path, capsys, 8, more, "--outage", "email=200s", "--fails-after", "1ms")
    assert found["peak_backlog"]["mean"] == pytest.approx(200, rel=0.05)
    assert found["failed_for_good"]["mean"] == 0
    # The last of them comes back 400 s after the end of the outage, then no more are held back than usual.
    assert found["drained_seconds"]["mean"] == pytest.approx(400, rel=0.05)
    assert found["usual_starts_per_second"]["mean"] == pytest.approx(1.0, rel=0.05)


def test_attempts_that_hang_pile_up_jobs_that_drain_as_slowly_as_fluid_does(tmp_path, capsys):
    """All five slots hang from 4 s on until 104 s: a job a second piles up. They drain at 5/4 a second, 1 comes."""
    text = "queues: [{name: q, slots: 5, jobs_per_hour: 3600, service: {law: deterministic, value: 4s}}]\n"
    [one] = ask(tmp_path, capsys, text, "--outage", "q=100s", "--fails-after", "100s")
    [found] = one["outages"]
    assert found["peak_backlog"]["mean"] == pytest.approx(100, rel=0.1)
    assert found["failed_for_good"]["mean"] == pytest.approx(5, abs=0.5)
    assert found["drained_seconds"]["mean"] == pytest.approx(100 / 0.25, rel=0.2)


def test_a_limiter_holds_the_storm_down(tmp_path, capsys):
    more = ", retries: {failure_ratio: 0, attempts: 20, delay: 5s}"
    free = after(tmp_path, capsys, 50, more, "--outage", "email=60s", "--fails-after", "10ms")
    limit = more + ", rate_limit: {max: 4, window: 2s}"
    held = after(tmp_path, capsys, 50, limit, "--outage", "email=60s", "--fails-after", "10ms")
    assert free["storm_starts_per_second"]["mean"] > 4.0
    # Five windows and a part of one more fit into the ten seconds.
    assert held["storm_starts_per_second"]["high"] <= 6 * 4 / 10
    assert held["peak_backlog"]["mean"] > free["peak_backlog"]["mean"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--outage", "email"], "--outage email: write QUEUE=TIME"),
        (["--outage", "email=-5m"], "no time above 0"),
        (["--outage", "email=5x"], "'5x' is not a duration"),
        (["--outage", "mail=5m"], "--outage mail: no queue 'mail'"),
        (["--outage", "full=5m"], "the queue is unstable without an outage"),
        (["--outage", "busy=20d"], "take a shorter one"),
        (["--outage", "room=5m"], "told for queues without io_then_cpu, places and patience"),
        (["--outage", "email=5m", "--fails-after", "0"], "--fails-after 0: 0 is no time above 0"),
    ],
)
def test_an_outage_that_can_not_be_told_is_one_line(tmp_path, capsys, options, expected):
    path = tmp_path / "fleet.yaml"
    path.write_text(
        "queues:\n"
        "  - {name: email, slots: 4, jobs_per_hour: 3600}\n"
        "  - {name: full, slots: 1, jobs_per_hour: 36000}\n"
        "  - {name: busy, slots: 40, jobs_per_hour: 100000}\n"
        "  - {name: room, slots: 4, places: 9, jobs_per_hour: 3600}\n"
    )
    assert main(["whatif", str(path), *options]) == 2
    out = capsys.readouterr()
    assert out.out == "" and expected in out.err and out.err.count("\n") == 1
