"""The ranking of inputs agrees with derivatives of formulas: Erlang's, and Pollaczek and Khinchine's."""

import math

import pytest

from planner.cli import main
from tests.planner.whatif_asking import ask, mean_wait


def ranked(tmp_path, capsys, text: str, figure: str) -> tuple[list[str], dict[str, dict], list[str]]:
    [one] = ask(tmp_path, capsys, text, "--influence", figure)
    [found] = one["influences"]
    return [i["input"] for i in found["inputs"]], {i["input"]: i for i in found["inputs"]}, found["left_out"]


def slope(turned, low: float, high: float) -> float:
    return math.log(turned(high) / turned(low)) / math.log(high / low)


def test_of_exponential_work_it_is_the_derivative_of_erlangs_formula(tmp_path, capsys):
    text = "queues: [{name: q, slots: 5, jobs_per_hour: 14400, service: {law: exponential, mean: 1s}}]\n"
    order, found, _ = ranked(tmp_path, capsys, text, "q.mean_wait")
    assert found["arrival rate"]["half_width"] == 0.0
    assert found["arrival rate"]["elasticity"] == pytest.approx(
        slope(lambda x: mean_wait(5, 4.0 * x, 1.0), 0.95, 1.05), rel=1e-9
    )
    assert found["service time"]["elasticity"] == pytest.approx(
        slope(lambda x: mean_wait(5, 4.0, x), 0.95, 1.05), rel=1e-9
    )
    few, many = found["service time"], found["arrival rate"]
    assert few["elasticity"] > many["elasticity"] + 0.99  # W depends on the load and on the unit of time
    assert order == sorted(order, key=lambda name: -abs(found[name]["elasticity"]))


@pytest.mark.slow
def test_of_long_tailed_work_on_one_slot_it_is_that_of_pollaczek_and_khinchine(tmp_path, capsys):
    text = "queues: [{name: q, slots: 1, jobs_per_hour: 2160, service: {law: lognormal, mean: 1s, scv: 2}}]\n"
    _, found, left_out = ranked(tmp_path, capsys, text, "q.mean_wait")

    def theory(rate: float = 0.6, mean: float = 1.0, scv: float = 2.0) -> float:
        return rate * mean**2 * (1 + scv) / 2 / (1 - rate * mean)

    for name, turned in {
        "arrival rate": lambda x: theory(rate=0.6 * x),
        "service time": lambda x: theory(mean=x),
        "variability of service (squared CV)": lambda x: theory(scv=2 * x),
    }.items():
        one = found[name]
        assert abs(one["elasticity"] - slope(turned, 0.95, 1.05)) <= max(2 * one["half_width"], 1e-6), name
        assert one["half_width"] < 0.3, name
    assert 0 < found["variability of arrivals (squared CV)"]["elasticity"] < 1
    assert left_out == ["slots: on one side the queue is unstable"] or "slots" in found


def test_retries_and_limits_are_inputs_too(tmp_path, capsys):
    text = (
        "queues: [{name: q, slots: 3, jobs_per_hour: 7200, service: {law: exponential, mean: 1s}, "
        "retries: {failure_ratio: 0.1, attempts: 3, delay: 5s}, rate_limit: {max: 3, window: 1s}}]\n"
    )
    _, found, _ = ranked(tmp_path, capsys, text, "q.mean_wait")
    assert found["failure ratio"]["elasticity"] > 0 > found["rate limit"]["elasticity"]
    assert abs(found["delay before a retry"]["elasticity"]) < found["arrival rate"]["elasticity"]


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ("q", "write QUEUE.FIGURE"),
        ("r.mean_wait", "no queue 'r'; there are q, full"),
        ("q.p95_wit", "no figure of that name"),
        ("q.util", "util can't be ranked"),
        ("q.p50_wait", "it is 0, so few jobs wait; take a higher quantile or the mean, such as mean_wait"),
        ("full.mean_wait", "the queue is unstable"),
    ],
)
def test_what_can_not_be_ranked_is_told_in_one_line(tmp_path, capsys, figure, expected):
    path = tmp_path / "fleet.yaml"
    path.write_text(
        "queues:\n  - {name: q, slots: 9, jobs_per_hour: 900}\n  - {name: full, slots: 1, jobs_per_hour: 9000}\n"
    )
    assert main(["whatif", str(path), "--influence", figure]) == 2
    out = capsys.readouterr()
    assert out.out == "" and expected in out.err and out.err.count("\n") == 1
