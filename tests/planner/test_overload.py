"""Days whose mean load can be done and whose peak cannot: answered in seconds, and true to days run one by one."""

import heapq
import json
from collections import deque

import numpy as np
import pytest

from planner.cli import main
from planner.exact.limits import overloads_of
from planner.exact.overload import overloads
from planner.fleet import Fleet
from planner.laws.arrivals import Profile, Sinusoid
from planner.laws.named import Exponential, Gamma, Law
from planner.predict import predict
from planner.simulation.large_days import small_enough
from planner.workload import Retries, Workload

DAY = 86_400.0


def days(
    slots: int, rates: list[float], days_run: int, seed: int, shape: float
) -> tuple[np.ndarray, float, float]:
    """Waits of all days but the first, the mean backlog at the end of a day, and when it is gone, all by counting."""
    random = np.random.default_rng(seed)
    part = DAY / len(rates)
    times = np.sort(
        np.concatenate(
            [
                random.uniform(0.0, part, random.poisson(rate * part)) + day * DAY + place * part
                for day in range(days_run)
                for place, rate in enumerate(rates)
            ]
        )
    )
    service = random.gamma(shape, 1.0 / shape, len(times))
    free, starts = [0.0] * slots, np.empty(len(times))
    for i, (time, needed) in enumerate(zip(times.tolist(), service.tolist(), strict=True)):
        starts[i] = max(time, free[0])
        heapq.heapreplace(free, starts[i] + needed)
    ends = [DAY * (day + 1) for day in range(1, days_run - 1)]
    waiting = [np.searchsorted(times, end) - np.searchsorted(starts, end) for end in ends]
    drained = [times[(times > end) & (starts == times)][0] - end + DAY for end in ends]
    return (starts - times)[times > DAY], float(np.mean(waiting)), float(np.mean(drained))


@pytest.mark.parametrize("law", [Exponential(1.0), Gamma(4.0, 1.0)], ids=["exponential", "erlang"])
def test_a_day_with_an_overloaded_half_waits_as_long_as_days_run_one_by_one(law: Law) -> None:
    shape = law.shape if isinstance(law, Gamma) else 1.0
    workload = Workload(Profile((1.0, 9.0), 2.0, DAY), law)
    found = predict(workload, Fleet(3), ("mean_wait", "p95_wait", "prob_wait"))
    waits, backlog, drained = days(3, [0.4, 3.6], 9, 7, shape)
    # Eight days: one day's mean wait strays by 2 %.
    assert found["mean_wait"] == pytest.approx(waits.mean(), rel=0.03)
    assert found["p95_wait"] == pytest.approx(np.quantile(waits, 0.95), rel=0.03)
    assert found["prob_wait"] == pytest.approx((waits > 1e-9).mean(), rel=0.005)
    [one] = found.overloads
    assert (one.begins, one.ends) == (DAY / 2, DAY)
    assert one.largest_backlog == pytest.approx(backlog, rel=0.03)
    assert one.drained == pytest.approx(drained, rel=0.01)


def test_a_backlog_short_enough_for_the_chain_is_answered_by_it() -> None:
    found = predict(
        Workload(Profile((5.0, 5.0, 5.0, 9.5), 2.0, 3600.0), Exponential(1.0)), Fleet(3), ("mean_wait",)
    )
    assert found.exact and found.overloads


def test_a_day_of_millions_is_simulated_on_a_part_of_its_slots_and_waits_as_the_flow_says() -> None:
    workload = Workload(Profile((1.0, 2.0), 50.0, DAY), Gamma(2.0, 1.0))
    found = predict(workload, Fleet(60), ("mean_wait", "p99_wait"))
    # 20/3 jobs a second too many for half a day, and 80/3 a second to drain: 288,000 jobs at most, 60 done a second.
    peak = DAY / 2 * (200 / 3 - 60) / 60
    drain = DAY / 2 * (200 / 3 - 60) / (60 - 100 / 3)
    waits = (DAY / 2 * 200 / 3 + drain * 100 / 3) * peak / 2 / (50 * DAY)
    assert found["mean_wait"] == pytest.approx(waits, rel=0.005)
    # Three jobs in four wait, evenly up to the peak.
    assert found["p99_wait"] == pytest.approx(peak * (1 - 0.01 / 0.75), rel=0.005)
    assert any("slots and as much less load" in doubt for doubt in found.doubts)


def test_a_calm_day_of_millions_waits_as_a_shorter_one() -> None:
    calm = Workload(Profile((1.0, 1.5), 100.0, DAY), Gamma(2.0, 1.0))
    small, fleet, doubt = small_enough(calm, Fleet(140))
    assert fleet == Fleet(140) and "in place of 86,400 s" in doubt
    assert small.arrivals.per_second == 100.0 and small.arrivals.period == pytest.approx(50_000.0)


def test_no_overload_where_the_peak_can_be_done() -> None:
    assert overloads(Profile((1.0, 9.0), 2.0, DAY), 3.7) == ()
    # Retries are load too.
    assert len(overloads(Profile((1.0, 9.0), 2.0, DAY), 3.7 / 1.1)) == 1


@pytest.mark.parametrize("delay", [0.0, 60.0, 600.0])
def test_a_backlog_counts_attempts_when_they_come_back(delay: float) -> None:
    retries = Retries(0.5, 3, delay)
    workload = Workload(Profile((1.0, 7.0), 40.0, 3600.0), Exponential(1.0), retries=retries)
    [one] = overloads_of(workload, Fleet(100))
    # Of one hour the longest line strays by 2 %.
    most, dry = np.mean([_longest_line(seed, delay) for seed in (11, 12)], axis=0)
    assert one.largest_backlog == pytest.approx(most, rel=0.03)
    assert one.drained == pytest.approx(dry, rel=0.01)


def _longest_line(seed: int, delay: float) -> tuple[float, float]:
    """The longest line of an hour and when it is gone. 70 jobs a second come to 100 slots in its second half, 10 before
    and after; half of the starts fail and come back after the delay, two times at most. Counted step by step.
    """
    random = np.random.default_rng(seed)
    halves = ((0.0, 18_000), (1800.0, 126_000), (3600.0, 18_000))
    times = np.concatenate([random.uniform(begins, begins + 1800.0, count) for begins, count in halves])
    coming = [(float(time), 0) for time in np.sort(times)]
    line: deque[int] = deque()
    at_work: list[tuple[float, int]] = []
    most, dry = 0, 0.0
    while coming or at_work:
        if at_work and (not coming or at_work[0][0] < coming[0][0]):
            now, tries = heapq.heappop(at_work)
            if tries < 2 and random.random() < 0.5:
                heapq.heappush(coming, (now + delay, tries + 1))
        else:
            now, tries = heapq.heappop(coming)
            line.append(tries)
        while line and len(at_work) < 100:
            heapq.heappush(at_work, (now + random.exponential(1.0), line.popleft()))
            dry = now if not line and dry == 0.0 and most > 1000 else dry
        most = max(most, len(line))
    return most, dry


def test_each_stretch_of_a_day_is_told_with_its_own_backlog() -> None:
    weights = (1.0,) * 8 + (3.0, 1.0, 1.0, 1.0, 5.0) + (1.0,) * 11
    first, second = overloads(Profile(weights, 2.0, DAY), 3.0)
    assert (first.begins, first.ends, first.largest_backlog) == (
        28_800.0,
        32_400.0,
        pytest.approx(1.8 * 3600),
    )
    assert (second.begins, second.ends, second.largest_backlog) == (
        43_200.0,
        46_800.0,
        pytest.approx(5.0 * 3600),
    )
    # 1.4 a second are done beyond what comes.
    assert first.drained == pytest.approx(32_400 + 6480 / 1.4)


def test_a_wave_overloads_from_where_it_crosses_the_ceiling() -> None:
    [one] = overloads(Sinusoid(2.0, 0.8, DAY), 3.0)
    assert one.begins == pytest.approx(np.arcsin(0.625) / (2 * np.pi) * DAY, abs=60.0)
    assert one.ends == pytest.approx(DAY / 2 - one.begins, abs=120.0)


def test_the_command_says_which_hours_are_unstable(tmp_path, capsys) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(
        "queues:\n- {name: q, slots: 3, service: {law: exponential, mean: 1s},\n"
        "   arrivals: {process: profile, weights: [1, 9], period: 24h, mean_per_second: 2}}\n"
    )
    assert main(["predict", str(path)]) == 0
    told = "q: unstable from 12:00 to 24:00 of each period: the backlog grows to about 25,920 jobs and is gone at 26:46"
    assert told in capsys.readouterr().out
    assert main(["size", str(path), "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)["queues"]
    assert row["slots_needed"] == 6 and row["overloads"] == []
