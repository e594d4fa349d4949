"""What a file says twice, in two ways, or past all sense is refused in one line that names the place; so is nothing."""

from pathlib import Path

import pytest

from planner import cli
from planner.file.queue_file import read_file
from planner.fleet import Fleet
from planner.laws.arrivals import Poisson
from planner.laws.named import Deterministic, Gamma
from planner.predict import predict
from planner.simulation.effort import Effort
from planner.workload import Workload

QUEUE = "queues:\n- name: email\n  concurrency: 2\n  jobs_per_hour: 50\n  "

MISTAKES = {
    # Contradictions.
    "jobs_per_hour: 60": "f.yaml:5: jobs_per_hour: stands twice in one place; keep one",
    "service: {law: lognormal, mean: 1s, scv: 2, median: 3s}": "mean 1 contradicts the other words, which make it 5.",
    "service: {law: gamma, mean: 1s, scv: 2, shape: 3}": "scv 2 contradicts the other words, which make it 0.3333",
    "service: {law: weibull, shape: 2, mean: 1s, scale: 9}": "mean 1 contradicts the other words, which make it 7.976",
    "service: {law: deterministic, mean: 1s, value: 2s}": "value 2 and mean 1; a constant has one",
    # Absurdities.
    "retries: {failure_ratio: 0.5, attempts: 3000000, backoff: exponential, delay: 1s}": "retries.attempts: 3000000",
    "service: {law: weibull, mean: 1s, scv: 1e6}": "squared coefficient of variation 1e+06; at most 100,000",
    "service: {law: lognormal, mean: 1s, sigma: 60}": "squared coefficient of variation inf; at most 100,000",
    "objectives: {utilisation: 85}": "objectives.utilisation: 85 is above 1; a share goes from 0 to 1",
    "objectives: {share_within_2s: 1.5}": "objectives.share_within_2s: 1.5 is above 1",
    "cores: true": "queues[0].cores: True: is no number",
    "arrivals: {process: mmpp, per_second: [.inf, 1], switch_per_second: [1, 1]}": "per_second[0]: inf",
    # Words that pydantic alone would tell in its own.
    "service: {law: lognorml, mean: 1s}": "queues[0].service.law: 'lognorml': no such law; did you mean lognormal?",
    "service: {mean: 1s}": "queues[0].service: does not say its law; write such as {law: exponential, mean: 800ms}",
    "arrivals: {process: poison}": "queues[0].arrivals.process: 'poison': no such process; did you mean poisson?",
}  # fmt: skip


def told(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["predict", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    return err


@pytest.mark.parametrize("line", MISTAKES)
def test_a_queue_that_makes_no_sense_is_told_with_line_and_field(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "f.yaml"
    given = QUEUE.replace("  jobs_per_hour: 50\n", "") if line.startswith("arrivals") else QUEUE
    path.write_text(f"{given}{line}\n")
    assert MISTAKES[line] in told(path, capsys)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "f.yaml:1: no queues in it; begin with queues:"),
        ("42", "f.yaml:1: no queues in it; begin with queues:"),
        ("queus:\n- {name: email}\n", "f.yaml:1: queus: no such word; did you mean queues?"),
        ("queues:\n- {name: email, name: email}\n", "f.yaml:2: name: stands twice in one place; keep one"),
    ],
)
def test_a_file_without_queues_is_told(
    text: str, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(text)
    assert part in told(path, capsys)


@pytest.mark.parametrize(
    "service",
    ["{law: lognormal, mean: 1, scv: 2, sigma: 1.0481}", "{law: gamma, mean: 2, scv: 0.5, shape: 2}"],
)
def test_words_more_than_a_law_needs_are_fine_where_they_say_the_same(service: str, tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(f"{QUEUE}service: {service}\n")
    [queue] = read_file(path).queues
    assert queue.question.workload.service.mean == pytest.approx(2.0 if "gamma" in service else 1.0)


def test_a_law_of_many_stages_is_answered_and_nearly_a_constant() -> None:
    """A chain of as many states would not fit into memory."""
    many, one = (
        predict(Workload(Poisson(1.6), law), Fleet(2), ("mean_wait",), Effort(seconds=0.0, shortest=10_000))
        for law in (Gamma(100_000.0, 1.0), Deterministic(1.0))
    )
    found = many.figures["mean_wait"]
    assert abs(found.value - one["mean_wait"]) < 2.0 * found.half_width + 1e-4 * one["mean_wait"]


@pytest.mark.parametrize(
    "words", ["simulate --seed -1", "simulate --seed x", "whatif --keys 0", "predict --run-of 1.5"]
)
def test_an_option_that_is_no_whole_number_is_told(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f.yaml").write_text(f"{QUEUE}slots: 2\n")
    verb, option, value = words.split()
    with pytest.raises(SystemExit) as left:
        cli.main([verb, str(tmp_path / "f.yaml"), option, value])
    assert left.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"{option}: {value}: give a whole number from" in line
