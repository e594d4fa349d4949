"""The band of one run holds nine of ten runs that others simulate, also of a workload that was only fitted."""

import json
import random

import numpy as np
import pytest

from planner.cli import main


def waits(chance: random.Random, jobs: int, per_second: float, mean: float) -> list[float]:
    """Waits on one slot from empty, by Lindley's recursion: Poisson arrivals, exponential work."""
    wait, found = 0.0, []
    for _ in range(jobs):
        found.append(wait)
        wait = max(0.0, wait + chance.expovariate(1 / mean) - chance.expovariate(per_second))
    return found


def waits_of_flows(chance: random.Random, jobs: int, per_second: float, mean: float) -> list[float]:
    """Waits on one slot from empty, where a fifth of what comes are four children, and then their parent before all."""
    due, line, begun, now, found = chance.expovariate(per_second), [], {}, 0.0, []
    while len(found) < jobs:
        now = now if line else max(now, due)
        while due <= now:
            family = object() if chance.random() < 0.2 else None
            line += [(due, family)] * (4 if family else 1)
            due += chance.expovariate(per_second)
        ready, family = line.pop(0)
        found.append(now - ready)
        now += chance.expovariate(1 / mean)
        if family is not None:
            begun[family] = begun.get(family, 0) + 1
            if begun[family] == 4:
                line.insert(0, (now, None))
    return found


def band(folder, capsys, rate: float, mean: float, *options: str, more: str = "") -> dict:
    path = folder / "fleet.yaml"
    path.write_text(
        f"queues: [{{name: q, slots: 1, jobs_per_hour: {3600 * rate}, "
        f"service: {{law: exponential, mean: {mean}}}{more}}}]\n"
    )
    main(["predict", str(path), *options, "--json"])
    [queue] = json.loads(capsys.readouterr().out)["queues"]
    return queue["run"]["wait_seconds"]


def inside(ends: dict, value: float) -> bool:
    return ends["low"] <= value <= ends["high"]


@pytest.mark.parametrize("jobs", [100, 1000])
def test_it_holds_nine_of_ten_runs_of_a_known_workload(tmp_path, capsys, jobs):
    said = band(tmp_path, capsys, 0.8, 1.0, "--run-of", str(jobs))
    chance = random.Random(8)
    runs = [waits(chance, jobs, 0.8, 1.0) for _ in range(400)]
    for figure, seen in {"mean": np.mean, "p95": lambda run: np.quantile(run, 0.95)}.items():
        share = np.mean([inside(said[figure], float(seen(run))) for run in runs])
        assert share == pytest.approx(0.9, abs=0.06), figure


def test_children_are_jobs_of_the_run_too(tmp_path, capsys):
    flows = ", children: {share: 0.2, count: 4}"
    said = band(tmp_path, capsys, 0.4, 1.0, "--run-of", "500", more=flows)
    chance = random.Random(8)
    runs = [waits_of_flows(chance, 500, 0.4, 1.0) for _ in range(400)]
    for figure, seen in {"mean": np.mean, "p95": lambda run: np.quantile(run, 0.95)}.items():
        share = np.mean([inside(said[figure], float(seen(run))) for run in runs])
        assert share == pytest.approx(0.9, abs=0.06), figure


def test_it_holds_nine_of_ten_pairs_of_a_fit_and_a_run(tmp_path, capsys):
    """Each workload is fitted to 300 jobs by hand, and its band held against another run."""
    chance, held, tries = random.Random(3), 0, 24
    for _ in range(tries):
        rate = 300 / sum(chance.expovariate(0.7) for _ in range(300))
        mean = sum(chance.expovariate(1.0) for _ in range(300)) / 300
        said = band(tmp_path, capsys, rate, mean, "--run-of", "300", "--fitted-to", "300")
        held += inside(said["mean"], float(np.mean(waits(chance, 300, 0.7, 1.0))))
    # 21.6 are nine of ten, with a standard deviation of 1.5.
    assert 21.6 - 4.5 <= held <= tries


def test_what_is_not_known_widens_it(tmp_path, capsys):
    known = band(tmp_path, capsys, 0.7, 1.0, "--run-of", "500")["mean"]
    fitted = band(tmp_path, capsys, 0.7, 1.0, "--run-of", "500", "--fitted-to", "200")["mean"]
    assert fitted["low"] < known["low"] and fitted["high"] > 1.3 * known["high"]


def test_an_idle_slot_takes_its_time(tmp_path, capsys):
    said = band(tmp_path, capsys, 0.01, 1.0, "--run-of", "500", "--pickup", "2ms")
    assert said["p50"] == {"low": 0.002, "high": 0.002}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--fitted-to", "9"], "say its length with --run-of JOBS"),
        (["--run-of", "9", "--pickup", "2m"], "--pickup 2m: give a time from 0s to 60s"),
        (["--run-of", "9", "--pickup", "x"], "'x' is not a duration"),
    ],
)
def test_a_wrong_run_is_one_line(tmp_path, capsys, options, expected):
    path = tmp_path / "fleet.yaml"
    path.write_text("queues: [{name: q, jobs_per_hour: 100}]\n")
    assert main(["predict", str(path), *options]) == 2
    out = capsys.readouterr()
    assert out.out == "" and expected in out.err and out.err.count("\n") == 1
