"""The words of the report turn with its input: the answer at each load, the steps to take, what is explained."""

import re

import pytest
import yaml

from planner.file.queue_file import read_document
from planner.objective import Bound
from planner.report.advice import advices
from planner.report.blocks import markdown
from planner.report.chapters import report
from planner.report.page import page
from planner.report.study import Study, slots_when_varied, study
from planner.report.words import objective_told


def each(things, answer):
    return [answer(thing) for thing in things]


def studied(text: str) -> Study:
    return study(read_document("fleet.yaml", text, yaml.safe_load(text)), each)


def written(text: str) -> str:
    found = studied(text)
    return markdown(report(found, slots_when_varied(found.file, each)))


def queue(slots: int, more: str = "service: {law: exponential, mean: 1s}", loads: str = "[1, 3]") -> str:
    """One job a second: three slots hold a p95 wait of 1 s, five that of three times the load (Erlang C)."""
    return (
        f"claims: {{loads: {loads}}}\nobjectives: {{p95_wait: 1s}}\n"
        f"queues: [{{name: q, slots: {slots}, jobs_per_hour: 3600, {more}}}]\n"
    )


@pytest.mark.parametrize(
    ("slots", "step", "told"),
    [
        (1, "raise now", "raise to 5 now"),
        (4, "raise before the peak", "enough now, raise to 5 before the peak"),
        (10, "keep", "keep"),
        (11, "lower", "can be lowered to 5"),
    ],
)
def test_the_advice_turns_with_the_slots_that_are_proposed(slots, step, told):
    [advice] = advices(studied(queue(slots)), {})
    assert (advice.step, advice.told()) == (step, told)


def test_where_no_number_of_slots_is_enough_the_advice_says_what_is_in_the_way():
    limited = queue(4, "rate_limit: {max: 1, window: 2s}, service: {law: exponential, mean: 1s}", "[1]")
    [advice] = advices(studied(limited), {})
    assert advice.step == "slots don't help" and "the rate limit is in the way" in advice.told()
    assert "**Not a matter of slots**: q (4)" in written(limited)


def test_work_of_which_the_file_says_nothing_is_given_the_slots_of_work_that_varies():
    silent, said = queue(50, "workers: 1"), queue(50)
    for text, slots in ((silent, 7), (said, 5)):
        [advice] = advices(studied(text), {"q": 7})
        assert advice.slots == slots


@pytest.mark.parametrize(
    ("slots", "answers"),
    [
        ("1 slot", ["**No at this load and 3 times the load**: q would not."]),
        ("4 slots", ["**Yes at this load**, in every queue.", "**No at 3 times the load**: q would not."]),
        ("9 slots", ["**Yes at this load and 3 times the load**, in every queue."]),
    ],
)
def test_the_answer_is_told_first_and_for_each_load(slots, answers):
    text = written(queue(int(slots.split()[0])))
    question, answer = text.split("\n\n")[1:3]
    assert (
        f"Can the proposed {slots} carry 3,600 jobs an hour, so that 19 of 20 jobs start within 1 s?"
        in question
    )
    assert answer == f"**The answer.** {' '.join(answers)}"


@pytest.mark.parametrize(
    ("bound", "told"),
    [
        (Bound("p95_wait", 0.75), "19 of 20 jobs start within 750 ms"),
        (Bound("p99_wait", 2.0), "99 of 100 jobs start within 2 s"),
        (Bound("p50_sojourn", 2.0), "1 of 2 jobs be done within 2 s"),
        (Bound("mean_wait", 1.0), "jobs start within 1 s on average"),
        (Bound("util", 0.8), "util at most 0.8"),
        (Bound("share_within_20s", 0.8, at_least=True), "share_within_20s at least 0.8"),
    ],
)
def test_an_objective_is_told_in_words(bound, told):
    assert objective_told(bound) == told


def test_claims_that_fail_stand_before_those_that_hold_and_each_stands_once():
    text = written(queue(4))
    heads = re.findall(r"### \d+ (do not hold|ask the wrong question|hold|can't be known)", text)
    assert heads == [
        kind for kind in ("do not hold", "ask the wrong question", "hold", "can't be known") if kind in heads
    ]
    assert heads[0] == "do not hold" and text.count("| 3 times the load is carried |") == 1
    told = re.search(r"Of (\d+) that were checked, (.*?)\.", text)
    assert told is not None and int(told[1]) == sum(map(int, re.findall(r"\d+", told[2])))


def test_what_breaks_the_objective_is_marked_in_the_table_of_waits_and_nothing_else_is():
    rows = [line for line in written(queue(4)).splitlines() if line.startswith("| q |")]
    [waits] = [row for row in rows if " ms " in row and row.count("|") == 4]
    cells = [cell.strip() for cell in waits.split("|")[2:-1]]
    assert [cell.startswith("**") for cell in cells] == [False, True]


def test_queues_that_are_alike_share_a_chart_and_others_do_not():
    entry = "{{name: {name}, slots: {slots}, jobs_per_hour: 3600, service: {{law: exponential, mean: 1s}}}}"
    names = (("a", 3), ("b", 3), ("c", 4))
    text = f"queues: [{', '.join(entry.format(name=name, slots=slots) for name, slots in names)}]\n"
    captions = re.findall(r"<figcaption>(.*?): p95 wait", page("t", report(studied(text), {})))
    assert captions == ["a and b", "c"]


def test_words_of_the_theory_are_explained_where_they_are_used_and_only_there():
    assert "**Poisson** arrivals come one by one" in written(queue(4))
    assert "**Simulation** plays the queue" not in written(queue(4))
    varied = written(queue(4, "service: {law: lognormal, mean: 1s, scv: 2}", "[1]"))
    assert "**Simulation** plays the queue" in varied and "**Erlang C**" not in varied
