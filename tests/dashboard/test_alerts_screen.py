"""The screen Alerts on a real Prometheus whose history holds half an hour of failures."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from alerts.cases.world import World, between
from dashboard.alerting.history import Days, Play
from dashboard.alerting.sets import in_force
from tests.alerts.conftest import plan, promtool, tool
from tests.dashboard.test_alerts_rules import DEFAULTS
from tests.processes import Program
from tests.servers import free_port

MINUTES = 10 * 60
BEGAN = (int(time.time()) // 3600 - 10) * 3600
"""Ten hours ago; from the seventh hour on six of 26 jobs of `reports` fail for half an hour."""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tool("prometheus", "prometheus", "--version")
    place = tmp_path_factory.mktemp("history")
    world = World(plan().ground, MINUTES).begin()
    world.queue("reports", finished=20, failed=between(420, 450, 6, 0))
    lines = [
        f"{name} {value} {BEGAN + minute * 60}"
        for name, values in sorted(world.series.items())
        for minute, value in enumerate(values)
        if value is not None
    ]
    (place / "history.om").write_text("\n".join([*lines, "# EOF", ""]))
    promtool("tsdb", "create-blocks-from", "openmetrics", str(place / "history.om"), str(place / "tsdb"))
    (place / "prometheus.yaml").write_text("{}\n")
    port = free_port()
    program = Program(
        [
            "prometheus",
            f"--config.file={place}/prometheus.yaml",
            f"--storage.tsdb.path={place}/tsdb",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
    )
    program.wait_for("Server is ready to receive web requests", 30)
    yield f"http://127.0.0.1:{port}"
    program.kill()


def on_prometheus(url: str, job: str = "bullgauge") -> None:
    """The script that is run."""
    import time

    from alerts.config_file import parse
    from dashboard.page import Page, fitted, latest
    from dashboard.screens import alerts
    from dashboard.sources.prometheus import PrometheusSource
    from dashboard.sources.shared import SharedSource

    now = time.time()
    source = SharedSource(PrometheusSource(url, select={"job": job}))
    thresholds = parse("", "defaults").ground.thresholds
    alerts.show(Page(source, fitted(3600, now, 60), latest(900, now, 15), now, "1h", thresholds))


def on_an_exporter() -> None:
    """The same where there is no Prometheus."""
    import time

    from alerts.config_file import parse
    from dashboard.page import Page, fitted, latest
    from dashboard.screens import alerts
    from dashboard.sources.exporter import ExporterSource
    from dashboard.sources.shared import SharedSource

    now = time.time()
    source = SharedSource(ExporterSource("http://127.0.0.1:1"))
    thresholds = parse("", "defaults").ground.thresholds
    alerts.show(Page(source, fitted(3600, now, 60), latest(900, now, 15), now, "1h", thresholds))


def screen(url: str, job: str = "bullgauge") -> AppTest:
    return AppTest.from_function(on_prometheus, default_timeout=300, kwargs={"url": url, "job": job}).run()


def written_as(screen: AppTest, bound: str, text: str) -> AppTest:
    """The screen with a bound of the form changed and sent."""
    screen.text_input(key=f"alerts-{bound}").set_value(text)
    return button(screen, "Make the rules").click().run()


def button(screen: AppTest, label: str) -> Button:
    return next(one for one in screen.button if one.label == label)


def test_parts_of_the_past_together_are_what_the_command_says_of_the_whole(prometheus: str) -> None:
    cut = BEGAN + 450 * 60
    end = cut + 1800
    span = Days(cut - 1800, end, 1800)
    names = ("BullFailureRateHigh",)
    play = Play(in_force(DEFAULTS, "bullgauge").plan, names, prometheus, span)
    known = {key: job() for key, job in play.jobs().items()}
    assert cut in [start for start, _ in span.parts]
    times = [time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(at)) for at in (span.start_seconds, end)]
    command = [sys.executable, "-m", "alerts", "backtest", "--prometheus", prometheus, "--json"]
    done = subprocess.run([*command, "--from", times[0], "--to", times[1]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = {tuple(row[:3]): row[4] for row in json.loads(done.stdout)["fired"] if row[0] in names}
    # It fires on both sides of a cut: a part that was lost, moved or counted twice would show.
    at_cut = (cut - span.start_seconds) / play.interval
    assert any(min(steps) < at_cut <= max(steps) for steps in told.values())
    assert {(one.alert, one.severity, one.about): sorted(one.steps) for one in play.lines(known)} == told


def test_a_milder_bound_is_played_beside_the_one_in_force(prometheus: str) -> None:
    shown = screen(prometheus)
    assert not shown.exception
    assert "Change a bound above" in shown.info[-1].value
    shown = written_as(shown, "job_failure_rate-critical", ">30%")
    assert "BullFailureRateHigh" in shown.info[0].value
    shown = button(shown, "Play the past").click().run()
    assert not shown.exception
    [played] = [one.value for one in shown.dataframe if "times, in force" in one.value]
    played = played.set_index(["alert", "severity", "about"])
    critical = played.loc[("BullFailureRateHigh", "critical", "reports")]
    assert (critical["times, in force"], critical["times, changed"]) == (1, 0)
    assert critical["for, changed"] == "never"
    warning = played.loc[("BullFailureRateHigh", "warning", "reports")]
    assert (warning["times, in force"], warning["times, changed"]) == (1, 1)


def test_a_bound_of_whole_seconds_is_played_too(prometheus: str) -> None:
    """Exporters write such an edge in two ways, which is asked for with an escape. This history has no such edge."""
    shown = written_as(screen(prometheus), "queue_processing_latency-critical", ">10s")
    shown = button(shown, "Play the past").click().run()
    assert not shown.exception and not shown.error
    [played] = [one.value for one in shown.dataframe if "times, in force" in one.value]
    assert list(played["alert"]) == ["BullBucketMissing"]
    assert (played["times, in force"].item(), played["times, changed"].item()) == (0, 1)


def test_days_that_are_not_stored_are_not_told_as_quiet_ones(prometheus: str) -> None:
    shown = written_as(screen(prometheus), "job_failure_rate-critical", ">30%")
    shown = button(shown, "Play the past").click().run()
    [part] = [one.value for one in shown.caption if "is stored and played" in one.value]
    assert "Of the 1 d up to" in part
    nobody = written_as(screen(prometheus, "nobody"), "job_failure_rate-critical", ">30%")
    nobody = button(nobody, "Play the past").click().run()
    assert not nobody.exception and not nobody.success
    assert "so nothing can be played" in nobody.info[-1].value


def test_without_a_prometheus_one_line_says_why_nothing_is_played() -> None:
    shown = AppTest.from_function(on_an_exporter, default_timeout=60).run()
    assert not shown.exception
    [line] = [one.value for one in shown.info]
    assert line == "A backtest plays stored history, which only a Prometheus has: give --prometheus URL."


def test_a_bound_that_can_not_be_is_one_line_and_the_rules_stay_those_in_force() -> None:
    shown = written_as(
        AppTest.from_function(on_an_exporter, default_timeout=60).run(), "queue_throughput-warning", "fast"
    )
    [line] = [one.value for one in shown.error]
    assert "queue_throughput.warning: 'fast' is not a rate such as 8000 jobs/hour" in line
    assert "warning: <8000 jobs/hour" in shown.code[-1].value


def test_a_prometheus_that_is_away_is_told_when_the_past_is_played() -> None:
    shown = written_as(screen("http://127.0.0.1:1"), "job_failure_rate-warning", ">1%")
    shown = button(shown, "Play the past").click().run()
    assert not shown.exception
    assert "The past can't be played: http://127.0.0.1:1/api/v1/query_range: " in shown.error[0].value
