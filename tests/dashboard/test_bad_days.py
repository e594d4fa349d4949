"""Knows what each screen says on a bad day of its source, and that it goes on by itself when the day gets better."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.freshness import STALE_SECONDS, freshness
from dashboard.settings import Settings
from dashboard.shell import SCREENS
from dashboard.sources.access import Access
from dashboard.sources.exporter import ExporterSource
from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.shared import DOUBT_SECONDS, FRESH_SECONDS, SharedSource
from dashboard.sources.source import SourceError, Span
from exporter import catalogue as c
from tests.dashboard.apps import Opened, numbers, screen, user_file, whole_app, words
from tests.dashboard.ill import IllServer
from tests.dashboard.recorded import RecordedPrometheus
from tests.servers import free_port, missing

NAMES = [one.name for one in SCREENS]


def drawn(what: Opened, name: str) -> AppTest:
    """A screen alone; the overview links to others, so with all of the page."""
    return (
        whole_app(what) if name == "overview" else screen(what, name, "reports" if name == "queue" else None)
    )


class Clock:
    """Time for the memory of answers, which a test moves on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def server(prometheus: RecordedPrometheus) -> Iterator[IllServer]:
    made = IllServer(prometheus.url)
    yield made
    made.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def what(server: IllServer, clock: Clock) -> Opened:
    """As the command opens it on the server, which is well when the test begins."""
    server.illness = server.only = ""
    return opened(server, clock)


def opened(server: IllServer, clock: Clock, timeout_seconds: float = 20.0) -> Opened:
    settings = Settings("prometheus", server.url)
    source = PrometheusSource(server.url, Access(timeout_seconds=timeout_seconds))
    return Opened(settings, SharedSource(source, clock), user_file.read(None))


ILLNESSES = [
    ("gone", "the answer broke off or is no HTTP"),
    ("silent", "no answer within 0.5 s"),
    ("a page", "the answer is not Prometheus'"),
    ("half", "the answer broke off"),
    ("half as a whole", "the answer is not Prometheus'"),
    ("null", "the answer is not Prometheus'"),
    ("odd series", "the answer is not Prometheus'"),
    ("too much", "answers 422 Unprocessable Entity; query processing would load too many samples"),
    ("warming up", "answers 503 Service Unavailable; Service Unavailable"),
    ("a page that says 502", "answers 502 Bad Gateway; look at its log"),
]


@pytest.mark.parametrize(("illness", "said"), ILLNESSES)
def test_a_server_that_is_ill_is_told_in_one_line(
    server: IllServer, clock: Clock, illness: str, said: str
) -> None:
    server.illness, server.only = illness, ""
    app = drawn(opened(server, clock, 0.5 if illness == "silent" else 20.0), "overview")
    assert not app.exception
    [error] = app.error
    told = error.value.replace("\\", "")
    assert server.url in told and said in told
    assert "\n" not in told
    assert "no fresh figures" in words(app) and "ago" not in words(app)
    assert not app.metric


@pytest.mark.parametrize("name", NAMES)
def test_every_screen_says_so_when_the_source_is_away_and_when_questions_are_too_much(
    server: IllServer, what: Opened, clock: Clock, name: str
) -> None:
    server.illness = "gone"
    app = drawn(what, name)
    assert not app.exception and "the answer broke off" in "\n".join(one.value for one in app.error)
    server.illness, server.only = "too much", "query_range"
    clock.seconds += FRESH_SECONDS + 1
    app.run()
    assert not app.exception
    if name == "alerts":  # which asks for nothing before a bound is changed
        return
    assert "too many samples" in "\n".join(
        one.value for one in [*app.error, *app.info, *app.warning, *app.caption]
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_screen_bears_a_server_that_holds_nothing_and_says_what_it_looked_for(
    prometheus: RecordedPrometheus, name: str
) -> None:
    settings = Settings("prometheus", prometheus.url, select=(("job", "nobody"),))
    source = SharedSource(PrometheusSource(prometheus.url, select={"job": "nobody"}))
    app = drawn(Opened(settings, source, user_file.read(None)), name)
    assert not app.exception and not app.error
    assert 'under the labels job="nobody"' in "\n".join(one.value for one in app.warning)
    # What-if foretells the report's fleets from the report's own numbers, without a source.
    assert name == "whatif" or not [one.value for one in app.metric if re.fullmatch(r"0\b.*", one.value)]


def test_figures_come_back_by_themselves_and_are_not_those_of_before(
    server: IllServer, what: Opened, clock: Clock
) -> None:
    app = drawn(what, "overview")
    before = numbers(app)
    assert before
    server.illness = "gone"
    clock.seconds += FRESH_SECONDS + 1
    app.run()
    assert not app.metric and app.error
    server.illness = ""
    clock.seconds += FRESH_SECONDS + 1
    app.run()
    assert not app.error and numbers(app).keys() == before.keys()


def test_an_answer_without_figures_is_asked_for_again_and_one_with_figures_is_not(
    server: IllServer, what: Opened, clock: Clock, prometheus: RecordedPrometheus
) -> None:
    span = Span(prometheus.end_seconds - 60, prometheus.end_seconds, 60)
    server.illness = "empty"
    assert what.source.gauge(c.SIZE, ("queue",), span).empty
    server.illness = ""
    assert what.source.gauge(c.SIZE, ("queue",), span).empty
    clock.seconds += FRESH_SECONDS + 1
    assert not what.source.gauge(c.SIZE, ("queue",), span).empty
    asked = len(server.asked)
    clock.seconds += 1000
    assert not what.source.gauge(c.SIZE, ("queue",), span).empty
    assert len(server.asked) == asked


def test_a_server_that_sends_drop_by_drop_is_as_slow_as_a_silent_one() -> None:
    """Each drop comes in time; the whole does not."""
    program = (
        "import socket, sys\n"
        "server = socket.create_server(('127.0.0.1', 0)); print(server.getsockname()[1], flush=True)\n"
        "end, _ = server.accept(); end.recv(4000)\n"
        "end.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 100000\\r\\n\\r\\n')\n"
        "import time\n"
        "while True: end.sendall(b' '); time.sleep(0.05)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as dripping:
        assert dripping.stdout is not None
        url = f"http://127.0.0.1:{int(dripping.stdout.readline())}"
        with pytest.raises(SourceError, match=r"no answer within 0\.4 s"):
            PrometheusSource(url, Access(timeout_seconds=0.4)).newest_seconds()
        dripping.kill()


# --- the exporter alone --------------------------------------------------------------------------------------------


def test_the_exporter_alone_goes_away_and_comes_back(exporter, redis_server, clock: Clock) -> None:
    port = free_port()
    process = exporter(redis_server.url, "--listen", f"127.0.0.1:{port}")
    source = ExporterSource(process.url)
    what = Opened(Settings("exporter", process.url), SharedSource(source, clock), user_file.read(None))
    source.look(time.time())
    app = screen(what, "connections")
    assert numbers(app) and not app.error
    process.stop()
    for name in ("overview", "queue", "connections"):
        source.look(time.time())
        clock.seconds += FRESH_SECONDS + 1
        app = drawn(what, name)
        assert not app.exception and not app.metric
        assert "is it running" in "\n".join(one.value for one in app.error)
    exporter(redis_server.url, "--listen", f"127.0.0.1:{port}")
    source.look(time.time())
    clock.seconds += FRESH_SECONDS + 1
    app = screen(what, "connections")
    assert numbers(app) and not app.error


# --- clocks --------------------------------------------------------------------------------------------------------


def skewed(offset: str, program: str) -> list[str]:
    """What a program prints whose machine has another time."""
    try:
        command = ["faketime", "-f", offset, sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    except FileNotFoundError:
        missing("faketime", "apt-get install faketime")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_dashboard_whose_clock_is_wrong_goes_by_that_of_prometheus(prometheus: RecordedPrometheus) -> None:
    ahead, there = skewed("+2h", (
        "import time\n"
        "from dashboard.sources.prometheus import PrometheusSource\n"
        "from dashboard.sources.shared import SharedSource\n"
        f"source = SharedSource(PrometheusSource({prometheus.url!r}))\n"
        "there = source.now_seconds(time.time())\n"
        "print(source.ahead_seconds, there)\n"
    ))  # fmt: skip
    assert float(ahead) == pytest.approx(-7200, abs=30)
    assert float(there) == pytest.approx(time.time(), abs=60)
    source = SharedSource(PrometheusSource(prometheus.url))
    source.newest_seconds()
    assert source.ahead_seconds == 0.0


@pytest.mark.slow
def test_a_dashboard_whose_clock_is_wrong_goes_by_that_of_the_exporter(exporter, redis_server) -> None:
    process = exporter(redis_server.url)
    ahead, newest, moment = skewed("-3h", (
        "import time\n"
        "from dashboard.sources.exporter import ExporterSource\n"
        f"source = ExporterSource({process.url!r})\n"
        "source.look(time.time())\n"
        "print(source.ahead_seconds, source.newest_seconds(), source.history.last_seconds)\n"
    ))  # fmt: skip
    assert float(ahead) == pytest.approx(3 * 3600, abs=30)
    assert float(moment) == pytest.approx(float(newest), abs=30)


def answer(at: float, value: float | None, warnings: list[str]) -> str:
    """What Prometheus tells at a moment of its own clock; when there is nothing, what the question says instead."""
    told = "-1" if value is None else f"{value:.3f}"
    result = [{"metric": {}, "value": [at, told]}]
    return json.dumps(
        {"status": "success", "data": {"resultType": "vector", "result": result}, "warnings": warnings}
    )


@pytest.mark.parametrize(
    ("age_seconds", "ahead_seconds", "said", "noted"),
    [
        (10, 0, "read 10 s ago · last 1h", []),
        (STALE_SECONDS + 5, 0, "**stale**: Redis was last read 1.58 min ago", ["nothing here is of now"]),
        (-600, 0, "clocks disagree", ["the exporter's clock is 10 min ahead of Prometheus at"]),
        (None, 0, "age of the figures not known", ['under the labels job="bullgauge"']),
        (10, 7200, "read 10 s ago · last 1h", ["machine is 2 h behind that of Prometheus at"]),
        (10, -7200, "read 10 s ago · last 1h", ["machine is 2 h ahead of that of Prometheus at"]),
    ],
)
def test_what_is_old_or_missing_or_on_another_clock_is_said(
    server: IllServer, age_seconds: float | None, ahead_seconds: float, said: str, noted: list[str]
) -> None:
    there = time.time() + ahead_seconds
    newest = None if age_seconds is None else there - age_seconds
    server.illness, server.told = "told", answer(there, newest, [])
    source = SharedSource(PrometheusSource(server.url))
    found = freshness(source, there, "1h", {"job": "bullgauge"})
    assert said in found.age and not found.trouble
    assert len(found.notes) == len(noted)
    assert all(part in note for part, note in zip(noted, found.notes, strict=True))


def test_figures_that_may_lack_a_part_are_told_and_asked_for_again(server: IllServer, clock: Clock) -> None:
    """Thanos warns where a store did not answer; VictoriaMetrics says that it is partial."""
    span, store = Span(0, 60, 60), "receive series from store-3: connection refused"
    series = {"resultType": "matrix", "result": [{"metric": {"queue": "email"}, "values": [[60, "3"]]}]}
    for more, said in (({"warnings": [store]}, store), ({"isPartial": True}, "storage did not answer")):
        source = SharedSource(PrometheusSource(server.url), clock)
        server.illness, server.told = "told", json.dumps({"status": "success", "data": series, **more})
        assert source.gauge(c.SIZE, ("queue",), span)[("email",)].iloc[0] == 3
        assert said in source.doubt
        server.told = answer(60, 60, [])
        assert any(said in note for note in freshness(source, 60, "1h").notes)
        server.told = json.dumps({"status": "success", "data": series, "isPartial": False})
        clock.seconds += DOUBT_SECONDS + 1
        assert source.gauge(c.SIZE, ("queue",), span)[("email",)].iloc[0] == 3
        assert source.doubt == ""
