"""Each verdict of the report is computed: another input turns it; the page stands alone; the example is up to date."""

import html.parser
import re
from pathlib import Path

import pytest
import yaml

from planner.cli import main
from planner.file.bounds import quoted
from planner.file.queue_file import read_document
from planner.report.charts import WIDTH, Line, Mark, draw
from planner.report.study import Study, study, two_speeds
from planner.report.verdicts import verdicts
from planner.report.verdicts_redis import on_failures

EXAMPLES = Path(__file__).parent.parent.parent / "docs/examples/planner"
FLEET = (EXAMPLES / "fleet.yaml").read_text()


def judged(text: str) -> dict[str, tuple[str, str]]:
    """Verdict and reason by claim, for the file `text`."""
    file = read_document("fleet.yaml", text, yaml.safe_load(quoted(text)))
    found = verdicts(study(file, lambda things, answer: [answer(thing) for thing in things]))
    return {verdict.claim: (verdict.answer, verdict.why) for verdict in found}


@pytest.fixture(scope="module")
def example() -> dict[str, tuple[str, str]]:
    return judged(FLEET)


def test_the_reports_own_claims_are_answered(example):
    answers = {claim: answer for claim, (answer, _) in example.items()}
    assert answers["The proposed queues carry 10,000 jobs an hour"] == "holds"
    assert answers["Today's 18 slots are too few"] == "holds"
    assert answers["5 to 10 times the throughput"] == "does not hold"
    assert answers["Average latency below 500 ms, from arrival to end"] == "wrong question"
    assert answers["Average latency below 500 ms, until a job starts"] == "holds"
    assert answers["60% to 80% of the 25 connections of `queue` in use"] == "wrong question"
    assert answers["The acquire timeout of 10 s protects `queue`"] == "wrong question"
    assert answers["A failure alarm at 2% keeps 99.9% of jobs processed"] == "does not hold"


def test_what_fails_today_are_single_queues(example):
    _, why = example["Today's 18 slots are too few"]
    assert "reports keeps up, but its p95 wait is" in why and "route-optimization keeps up, but" in why
    assert "Enough as they are: email, notifications." in why


POOL = "acquireTimeoutMs: 10000"
TARGET = "jobs_per_hour: 10000"
SYNC, CLEANUP = '"data-sync", concurrency: 1', '"cleanup", concurrency: 1'


@pytest.mark.parametrize(
    ("old", "new", "claim", "answer"),
    [
        # 2.8 jobs a second hold 16.7 of 25 connections: 67 %.
        (
            POOL,
            f"{POOL}, commands_per_job: 1200",
            "60% to 80% of the 25 connections of `queue` in use",
            "holds",
        ),
        (POOL, "acquireTimeoutMs: 5", "The acquire timeout of 5 ms protects `queue`", "holds"),
        (
            "maxConnections: 25",
            "maxConnections: 1000",
            "An alarm at 85% use of `queue` comes in time",
            "holds",
        ),
        (">2%", ">0.1%", "A failure alarm at 0.1% keeps 99.9% of jobs processed", "holds"),
        ("60s", "60s, reads_per_hour: 600", "85% of reads of `queue_stats:*` hit", "holds"),
        ("60s", "60s, reads_per_hour: 60", "85% of reads of `queue_stats:*` hit", "does not hold"),
        (TARGET, f"{TARGET}0", "The proposed queues carry 100,000 jobs an hour", "does not hold"),
        (TARGET, "jobs_per_hour: 300", "Today's 18 slots are too few", "does not hold"),
        (TARGET, "jobs_per_hour: 300", "Fewer than 8,000 jobs an hour mean trouble", "does not hold"),
        (
            SYNC,
            f"{SYNC}, jobs_per_hour: 3500",
            "Average latency below 500 ms, until a job starts",
            "does not hold",
        ),
        (SYNC, f"{SYNC}, jobs_per_hour: 3500", "No latency alarm (critical 1.5 s)", "does not hold"),
    ],
)
def test_another_input_turns_the_verdict(example, old, new, claim, answer):
    assert old in FLEET
    assert example.get(claim, ("", ""))[0] != answer
    assert (
        judged(FLEET.replace(old, new).replace("today:", "claims: {loads: [1]}\ntoday:"))[claim][0] == answer
    )


@pytest.mark.parametrize(
    ("loads", "answer"),
    [("loads: [1]", None), ("loads: [1, 2]", "holds"), ("loads: [1, 5]", "does not hold")],
)
def test_a_load_test_is_as_hard_as_it_is_asked_for(loads, answer):
    found = judged(f"claims: {{{loads}}}\nqueues: [{{name: q, concurrency: 4, jobs_per_hour: 3600}}]\n")
    told = [verdict for claim, (verdict, _) in found.items() if claim.endswith("times the load is carried")]
    assert told == ([answer] if answer else [])


QUEUE = "claims: {loads: [1]}\nqueues: [{name: q, concurrency: 3, "


@pytest.mark.parametrize(
    ("text", "claim", "answer"),
    [
        (
            "arrivals: {process: profile, weights: [1, 9], mean_per_second: 2, period: 2m}}]",
            "q keeps up at all times",
            "does not hold",
        ),
        (
            "arrivals: {process: profile, weights: [1, 2], mean_per_second: 2, period: 2m}}]",
            "q keeps up at all times",
            "holds",
        ),
        (
            "jobs_per_hour: 7200, service: {law: io_then_cpu, io: {law: exponential, mean: 10ms}, "
            "cpu: {law: exponential, mean: 1s}}}]",
            "More concurrency helps q",
            "does not hold",
        ),
    ],
)
def test_what_a_queue_says_of_itself_is_judged(text, claim, answer):
    assert judged(QUEUE + text + "\n")[claim][0] == answer


@pytest.mark.parametrize(("ratio", "answer"), [(0.1, "holds"), (0.2, "does not hold")])
def test_what_retries_leave_is_held_against_the_budget(ratio, answer):
    # Four attempts that fail one time in ten lose 1 in 10,000; one time in five, 16.
    text = f"queues: [{{name: q, jobs_per_hour: 7200, retries: {{failure_ratio: {ratio}, attempts: 4}}}}]\n"
    file = read_document("fleet.yaml", text, yaml.safe_load(text))
    [(claim, found, _)] = on_failures(Study(file, (), ()))
    assert (claim, found) == ("99.9% of q are processed", answer)


def test_throughput_gained_is_jobs_done_and_not_slots():
    text = (
        "queues: [{name: reports, concurrency: 20, jobs_per_hour: 3000, service: {law: exponential, mean: 20s}}]\n"
        "today: [{name: reports, concurrency: 2}]\nclaims: {loads: [1]}\n"
    )
    answer, why = judged(text)["5 to 10 times the throughput"]
    # Two slots do 360 an hour, twenty all 3000.
    assert answer == "holds" and "become 8.33 times as many" in why


def test_jobs_that_take_less_than_the_bound_can_be_done_in_it():
    text = (
        "queues: [{name: q, concurrency: 4, jobs_per_hour: 3600, service: {law: exponential, mean: 100ms}}]\n"
    )
    found = judged(text)
    assert "Average latency below 500 ms, from arrival to end" not in found
    assert found["Average latency below 500 ms, until a job starts"][0] == "holds"


class References(html.parser.HTMLParser):
    """What a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.fetched += [f"{tag} {name}" for name, _ in attributes if name in ("src", "href", "xlink:href")]


def test_the_example_is_what_the_command_writes_and_the_page_fetches_nothing(tmp_path):
    assert main(["report", str(EXAMPLES / "fleet.yaml"), "--out", str(tmp_path)]) == 0
    kept = {path.name: path.read_text() for path in (EXAMPLES / "report").iterdir()}
    assert kept == {path.name: path.read_text() for path in tmp_path.iterdir()}, "make the example anew"
    page = References()
    page.feed(kept["report.html"])
    captions = re.findall(r"<figcaption>(.*?): p95 wait", kept["report.html"])
    drawn = [name for caption in captions for name in re.split(", | and ", caption)]
    asked = [queue["name"] for queue in yaml.safe_load(quoted(FLEET))["queues"]]
    assert sorted(drawn) == sorted(asked) and page.tags.count("svg") == len(captions)
    assert not page.fetched and not {"script", "link", "iframe", "img"} & set(page.tags)
    assert "@import" not in kept["report.html"] and "url(" not in kept["report.html"]
    for name in re.findall(r"\]\(([^)]+)\)", kept["report.md"]):
        assert name in kept


def test_a_report_of_names_with_marks_is_still_a_page(tmp_path):
    (tmp_path / "fleet.yaml").write_text("queues: [{name: '<b>&|', jobs_per_hour: 3600, concurrency: 3}]\n")
    assert main(["report", str(tmp_path / "fleet.yaml"), "--out", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out/report.html").read_text()
    assert "<b>" not in text and "&lt;b&gt;&amp;|" in text


def test_a_folder_that_cannot_be_is_told_in_one_line(tmp_path, capsys):
    (tmp_path / "fleet.yaml").write_text("queues: [{name: q, jobs_per_hour: 3600, concurrency: 3}]\n")
    status = main(["report", str(tmp_path / "fleet.yaml"), "--out", str(tmp_path / "fleet.yaml")])
    assert status == 2 and capsys.readouterr().err.count("\n") == 1


def test_a_chart_puts_the_objective_where_its_seconds_are():
    svg = draw([Line("load", ((1, 100.0), (2, 0.1), (3, 0.001)))], [Mark("needed", 2)], 0.1, "wait")
    [line] = re.findall(r'aria-roledescription="line mark" d="M([^"]+)"', svg)
    points = [tuple(map(float, point.split(","))) for point in line.split("L")]
    assert points[0][1] < points[1][1] < points[2][1]
    rules = re.findall(r'label="(\w+): [^>]*"rule mark" transform="translate\(([\d.]+),([\d.]+)\)', svg)
    assert [(float(x), float(y)) for named, x, y in rules if named == "wait"] == [(WIDTH, points[1][1])]
    assert [float(x) for named, x, _ in rules if named == "slots"] == [points[1][0]], "needed"


def test_two_speeds_have_the_mean_and_variability_asked_for():
    law = two_speeds(20.0, 4.0)
    assert law.mean == pytest.approx(20.0)
    assert law.moment(2) / 400.0 - 1.0 == pytest.approx(4.0)
