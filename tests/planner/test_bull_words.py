"""The words that ask for Bull's own options: read, named, refused in one line, never left out in silence."""

import json
import re
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml

from planner.cli import main
from planner.errors import BadInput
from planner.file.bull_words import BullWords
from planner.file.queue_file import AskedQueue, read_file
from planner.file.reading import read_objective
from planner.one_run.answers import banded
from planner.predict import predict
from planner.prediction import Prediction
from planner.simulation.effort import Effort
from planner.sizing import size
from planner.whatif.influence import influences
from planner.whatif.outage import Outage, aftermath
from planner.whatif.scenario import read_setting, scenarios
from tests.planner.test_command import answers, run

QUICK = Effort(seconds=0.4, shortest=20_000, seed=3)
QUEUE = "{name: q, concurrency: 4, jobs_per_hour: 10800, service: {law: exponential, mean: 1s}, WORDS}"
WORDS = {
    "lifo": "lifo: 0.5",
    "priorities": "priorities: {0: 0.5, 1: 0.5}, lifo: 0.5",
    "delayed": "delayed: {share: 0.5, delay: 30s}",
    "children": "children: {share: 0.01, count: 3}",
    "stalls": "stalls: {ratio: 0.001}",
    "crashes": "crashes: {every: 10m, restart: 10s}",
    "pause": "pause: {lasts: 1m, every: 1h, at: 30m}",
    "backoff": "library: bullmq5, "
    "retries: {failure_ratio: 0.05, attempts: 3, delay: 1s, backoff: exponential, jitter: 0.5}",
}


def file(words: str) -> str:
    return f"queues:\n- {QUEUE.replace('WORDS', words)}\n"


def asked(tmp_path, words: str) -> AskedQueue:
    path = tmp_path / "fleet.yaml"
    path.write_text(file(words))
    return read_file(path).queues[0]


def predicted(tmp_path, words: str, *names: str) -> Prediction:
    question = asked(tmp_path, words).question
    return predict(question.workload, question.fleet, names, QUICK)


@pytest.mark.parametrize("word", WORDS)
def test_predict_simulates_what_no_formula_knows(tmp_path, word):
    plain = predicted(tmp_path, "workers: 1", "p95_wait")
    found = predicted(tmp_path, WORDS[word], "p95_wait")
    assert plain.exact and not found.exact and "simulation" in found.method
    assert found["p95_wait"] != plain["p95_wait"]


def test_every_default_that_is_taken_is_named(tmp_path):
    words = (
        "stalls: {ratio: 0.001}, pause: {lasts: 1m, every: 1h}, retries: {failure_ratio: 0.1, attempts: 2}"
    )
    assert {
        "library: bullmq5",
        "stalls.max_stalled_count: 1",
        "stalls.lock_duration: 30 s",
        "stalls.stalled_interval: 30 s",
        "stalls.restart: 0 s",
        "pause.at: 0 s",
        "retries.delay: 0 s",
        "retries.backoff: fixed",
        "retries.jitter: 0",
    } <= set(asked(tmp_path, words).assumed)
    assert "pause.every: 86400 s" in asked(tmp_path, "pause: {lasts: 1m}").assumed
    given = "ratio: 0.1, max_stalled_count: 0, lock_duration: 1m, stalled_interval: 5s, restart: 9s"
    assumed = asked(tmp_path, f"library: bull4, stalls: {{{given}}}").assumed
    assert not [one for one in assumed if one.startswith(("library", "stalls"))]
    assert "crashes.max_stalled_count: 1" in asked(tmp_path, "crashes: {every: 1h}").assumed


def test_the_library_sets_the_order_of_priorities_and_the_back_off(tmp_path):
    words = "priorities: {0: 0.8, 3: 0.2}, retries: {failure_ratio: 0.1, attempts: 2, delay: 1s, backoff: exponential}"
    bull, bullmq = (
        asked(tmp_path, f"library: {name}, {words}").question.workload for name in ("bull4", "bullmq5")
    )
    assert bull.options and bullmq.options and bull.retries and bullmq.retries
    assert (bull.options.priorities, bullmq.options.priorities) == (
        ((3, 0.2), (0, 0.8)),
        ((0, 0.8), (3, 0.2)),
    )
    assert (bull.retries.backoff, bullmq.retries.backoff) == ("bull_exponential", "exponential")
    first = predicted(tmp_path, "library: bull4, priorities: {0: 0.8, 3: 0.2}", "mean_wait_class0")
    last = predicted(tmp_path, "library: bullmq5, priorities: {0: 0.8, 3: 0.2}", "mean_wait_class1")
    assert first.exact and last.exact and first["mean_wait_class0"] < last["mean_wait_class1"]


def test_today_has_the_options_of_the_jobs_as_proposed(tmp_path):
    path = tmp_path / "fleet.yaml"
    path.write_text(f"{file('lifo: 0.5, priorities: {0: 1}')}today: [{{name: q, concurrency: 2}}]\n")
    read = read_file(path)
    assert read.today[0].question.workload == read.queues[0].question.workload


@pytest.mark.slow
def test_people_see_the_waits_of_each_priority_and_what_a_pause_does(tmp_path, capsys):
    text = file("priorities: {0: 0.9, 5: 0.1}, pause: {lasts: 2m, every: 1h, at: 10m}")
    status, out, _ = run(tmp_path, capsys, "simulate", text)
    assert status == 0
    assert "q: priority 0: mean wait" in out and "q: priority 5: mean wait" in out
    # Three a second for 120 s; one a second is left to work it off.
    assert "paused from 0:10 to 0:12 of each period: the backlog grows to about 360 jobs" in out


def test_a_queue_that_options_make_unstable_is_answered_as_such(tmp_path, capsys):
    """Three a second on four slots; each parent in ten brings five children."""
    found = answers(
        tmp_path, capsys, "simulate", file("children: {share: 0.1, count: 5}, lifo: 1"), expected=1
    )["q"]
    assert (found["stable"], found["backlog_per_hour"]) == (False, pytest.approx(0.5 * 3600))
    paused = answers(tmp_path, capsys, "predict", file("pause: {lasts: 20m, every: 1h}"), expected=1)["q"]
    assert (paused["stable"], paused["ceiling_set_by"]) == (False, "slots and the pause")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("lifoo: true", "queues[0].lifoo: True: no such word; did you mean lifo?"),
        (
            "stalls: {ratio: 0.1, lock_durations: 3s}",
            "queues[0].stalls.lock_durations: '3s': no such word; did you mean lock_duration?",
        ),
        (
            "retries: {failure_ratio: 0.1, attempts: 2, jiter: 0.1}",
            "queues[0].retries.jiter: 0.1: no such word; did you mean jitter?",
        ),
        (
            "priorities: {0: 0.5, 1: 0.4}",
            "queues[0].priorities: the shares sum to 0.9; they must sum to 1",
        ),
        ("priorities: {-1: 1}", "queues[0].priorities[-1]: -1: "),
        ("lifo: 2", "queues[0].lifo: 2: "),
        ("delayed: {share: 0.1, delay: soon}", "queues[0].delayed.delay: 'soon': 'soon' is not a duration"),
        ("delayed: {share: 0.1, delay: {law: exponential, mean: -1}}", "queues[0].delayed.delay.mean: -1: "),
        ("children: {share: 0.1, count: 0}", "queues[0].children.count: 0: "),
        ("stalls: {ratio: 1}", "queues[0].stalls.ratio: 1: "),
        ("crashes: {restart: 10s}", "queues[0].crashes.every: "),
        (
            "crashes: {every: 1h}, stalls: {ratio: 0.1}",
            "queues[0].crashes: crashes beside stalls is not answered; leave one of them out",
        ),
        (
            "crashes: {every: 1h}, global_concurrency: 2",
            "queues[0].crashes: crashes beside global_concurrency is not answered",
        ),
        ("library: bullmq9", "queues[0].library: 'bullmq9': "),
        ("global_concurrency: 0", "queues[0].global_concurrency: 0: "),
        (
            "pause: {lasts: 2h, every: 1h}",
            "queues[0].pause.lasts: 7200 s from 0 s on do not end within 3600 s",
        ),
        ("pause: {lasts: 10m, every: 1h, at: 55m}", "queues[0].pause.lasts: 600 s from 3300 s on do not end"),
        ("lifo: true, places: 9", "queues[0].lifo: lifo beside places is not answered"),
        (
            "pause: {lasts: 1m}, acquire_timeout: 1s",
            "queues[0].pause: pause beside patience or acquire_timeout",
        ),
        (
            "stalls: {ratio: 0.1}, patience: {law: exponential, mean: 1s}",
            "queues[0].stalls: stalls beside pat",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place(tmp_path, capsys, words, told):
    status, out, err = run(tmp_path, capsys, "simulate", file(words))
    assert (status, out) == (2, "")
    assert told in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("queue", "told"),
    [
        (
            "arrivals: {process: poisson_classes, per_second: [1, 1]}, lifo: true",
            "queues[0].lifo: lifo beside arrivals poisson_classes",
        ),
        (
            "arrivals: {process: sinusoid, mean_per_second: 1, amplitude: 0.5, period: 24h}, "
            "pause: {lasts: 1m, every: 7h}",
            "queues[0].pause.every: 25200 s does not divide the 86400 s of arrivals",
        ),
        (
            "jobs_per_hour: 3600000, concurrency: 4000, pause: {lasts: 1m}",
            "queues[0].pause.every: 86400 s bring 86,400,000 jobs; at most 5,000,000",
        ),
        (
            "jobs_per_hour: 60, lifo: true, service: {law: io_then_cpu, io: {law: exponential, mean: 1s},"
            " cpu: {law: exponential, mean: 10ms}}",
            "queues[0].lifo: lifo beside service io_then_cpu is not answered",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, capsys, queue, told):
    status, out, err = run(tmp_path, capsys, "predict", f"queues:\n- {{name: q, {queue}}}\n")
    assert (status, out) == (2, "")
    assert told in err and err.count("\n") == 1


def test_a_size_never_passes_the_global_concurrency(tmp_path, capsys):
    bound = "objectives: {p95_wait: 200ms}"
    free = answers(tmp_path, capsys, "size", file(bound))["q"]["slots_needed"]
    enough = answers(tmp_path, capsys, "size", file(f"{bound}, global_concurrency: {free}"))["q"]
    assert enough["slots_needed"] == free
    short = answers(tmp_path, capsys, "size", file(f"{bound}, global_concurrency: {free - 1}"), expected=1)[
        "q"
    ]
    assert short["slots_needed"] is None


def test_a_size_knows_that_last_come_first_served_needs_more(tmp_path):
    """By hand: with five slots 1 % wait longer than ln(23.6)/2 = 1.58 s in a fair line."""
    question, bound = asked(tmp_path, "lifo: true").question, read_objective({"p99_wait": 1.9})
    plan = size(question.workload, bound, question.fleet, QUICK)
    fair = size(replace(question.workload, options=None), bound, question.fleet, QUICK)
    assert fair and plan and (fair.slots_needed, plan.slots_needed) == (5, 6)


def test_what_if_reads_the_words_and_what_does_not_know_them_refuses(tmp_path):
    path = tmp_path / "fleet.yaml"
    path.write_text(file("lifo: 0"))
    tried = scenarios(path, [read_setting("q.lifo=0,1"), read_setting("q.pause.lasts=60")], [])
    found = [one.file.queues[0].question for one in tried]
    assert [one.workload.options.lifo for one in found if one.workload.options] == [0.0, 1.0]
    assert [one.fleet.pause.seconds for one in found if one.fleet.pause] == [60.0, 60.0]
    with pytest.raises(BadInput, match="--outage q: told for jobs first come first served"):
        aftermath(found[0].workload, found[0].fleet, Outage(300.0), "--outage q")
    question = asked(tmp_path, "pause: {lasts: 1m}")
    with pytest.raises(BadInput, match="--run-of: a run of 'q' begins without pause"):
        banded(question, Namespace(run_of=50, fitted_to=None, pickup=None))
    with pytest.raises(BadInput, match="a queue that is paused can't be ranked"):
        influences(
            question.question.workload, question.question.fleet, "mean_wait", "--influence q.mean_wait"
        )


def test_every_word_is_in_the_documents():
    text = (Path(__file__).parents[2] / "docs/planner-commands.md").read_text()
    assert set(BullWords.model_fields) <= set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


def test_the_schema_holds_the_words_and_durations_as_they_are_written(capsys):
    assert main(["schema"]) == 0
    validator = jsonschema.Draft202012Validator(json.loads(capsys.readouterr().out))
    for words in (*WORDS.values(), "lifo: true"):
        validator.validate(yaml.safe_load(file(words)))
    for wrong in (
        "lifoo: 1",
        "lifo: 2",
        "stalls: {ratio: 0.1, lock: 3s}",
        "delayed: {share: 0.1}",
        "library: bullmq9",
        "retries: {failure_ratio: 0.1, attempts: 2, delay: soon}",
    ):
        assert not validator.is_valid(yaml.safe_load(file(wrong))), wrong
