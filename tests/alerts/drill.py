"""Knows a drill: Prometheus, Alertmanager and a pager around a site, and a table of what was expected and seen."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from alerts import folder, output, render
from alerts.alerting.exporter import WATCHDOG
from tests.alerts.conftest import plan
from tests.alerts.pager import Call, Pager
from tests.processes import Program
from tests.servers import free_port, missing

SPEED = 60
"""A minute is a second."""
CONFIG = """\
speed: {speed}
receivers:
  pages: {{webhook: {{url: "{url}/page"}}}}
  warnings: {{webhook: {{url: "{url}/warn"}}}}
  watchdog: {{webhook: {{url: "{url}/watchdog"}}}}
routes: [{{critical: pages, warning: warnings}}]
watchdog: watchdog
"""
SLACK_SECONDS = 4
"""What scrapes, evaluations and hand-overs of a second each add on a busy machine."""
HEARTBEAT_MINUTES = 6
"""Alertmanager repeats the watchdog every 5 minutes, and looks once a minute whether it is time."""
HEADING = (
    "| what happens | message | severity | minutes promised | minutes seen |\n| --- | --- | --- | --- | --- |"
)


@dataclass(frozen=True)
class Message:
    """What must come: within so many minutes, that an alert fires, or that it does so no longer."""

    minutes: float
    status: str
    alert: str
    about: str = ""
    severity: str = "critical"

    def is_(self, call: Call) -> bool:
        mine = (self.status, self.alert, self.about, self.severity)
        return mine == (call.status, call.alert, call.about, call.severity)


def fires(minutes: float, alert: str, about: str = "", severity: str = "critical") -> Message:
    return Message(minutes, "firing", alert, about, severity)


def ends(minutes: float, alert: str, about: str = "", severity: str = "critical") -> Message:
    return Message(minutes, "resolved", alert, about, severity)


class Drill:
    """Everything that watches, running."""

    def __init__(self, place: Path, target: str) -> None:
        self.pager = Pager()
        text = CONFIG.format(speed=SPEED, url=self.pager.url)
        folder.write(place, output.texts(plan(text), output.Source("drill", text)))
        self.table = [HEADING]
        self._seen = 0
        self._beside: dict[tuple[str, str], set[str]] = {}
        alertmanager = f"127.0.0.1:{free_port()}"
        self.programs = [
            _started(
                "Listening on",
                "prometheus-alertmanager",
                f"--config.file={place}/alertmanager.yaml",
                f"--storage.path={place}/am",
                f"--web.listen-address={alertmanager}",
                "--cluster.listen-address=",
            )
        ]
        (place / "prometheus.yaml").write_text(render.dump(_prometheus(target, alertmanager)))
        self.programs.append(
            _started(
                "Server is ready to receive web requests",
                "prometheus",
                f"--config.file={place}/prometheus.yaml",
                f"--storage.tsdb.path={place}/tsdb",
                f"--web.listen-address=127.0.0.1:{free_port()}",
                "--query.lookback-delta=5s",
                "--rules.alert.resend-delay=1s",
                "--rules.alert.for-outage-tolerance=0s",
                "--rules.alert.for-grace-period=0s",
            )
        )

    def expect(self, what: str, *messages: Message) -> None:
        """These come within their times, each once, and no other: neither a page nor a warning."""
        began, wanted = time.monotonic(), set(messages)
        for message in messages:
            self._let_its_warning(message)
        while wanted:
            soonest = min(wanted, key=lambda message: message.minutes)
            call = self._next(_deadline(began, soonest))
            assert call is not None, f"{what}: {soonest} never came"
            if self._is_beside(call):
                self._note(what, call, "at most once", began)
                continue
            found = next((message for message in wanted if message.is_(call)), None)
            assert found is not None, f"{what}: {call} was not expected"
            assert call.at <= _deadline(began, found), f"{what}: {call} came too late"
            wanted.remove(found)
            self._note(what, call, f"{found.minutes:g}", began)

    def quiet(self, what: str, minutes: float) -> None:
        """Nothing comes in this time."""
        began = time.monotonic()
        while call := self._next(began + minutes * 60 / SPEED):
            assert self._is_beside(call), f"{what}: {call} was not expected"
            self._note(what, call, "at most once", began)
        self.table.append(f"| {what} | nothing | | {minutes:g} | nothing |")

    def heard_all_the_time(self) -> None:
        """The watchdog came again and again, and never ended."""
        beats = self.pager.of(WATCHDOG)
        assert {call.status for call in beats} == {"firing"}
        times = [call.at for call in beats]
        longest = max(later - at for at, later in zip(times, [*times[1:], time.monotonic()], strict=True))
        assert longest <= HEARTBEAT_MINUTES * 60 / SPEED + SLACK_SECONDS, f"no watchdog for {longest:.1f} s"
        seen = longest * SPEED / 60
        self.table.append(
            f"| all the time | {WATCHDOG} firing | watchdog | every {HEARTBEAT_MINUTES} | {seen:.1f} |"
        )

    def _next(self, deadline: float) -> Call | None:
        """What somebody is told next."""
        call = self.pager.next_of_others(WATCHDOG, self._seen, deadline - time.monotonic())
        if call is not None:
            self._seen += 1
            assert "error expanding" not in call.description, call.description
        return call

    def _let_its_warning(self, message: Message) -> None:
        """The warning of a page's own name is silent beside it; it may come first, or stay for longer than the page."""
        if message.severity == "critical":
            self._beside.setdefault((message.alert, message.about), set()).add(message.status)

    def _is_beside(self, call: Call) -> bool:
        """Each at most once, and its end only when that of its page is due."""
        allowed = self._beside.get((call.alert, call.about), set())
        if call.severity != "warning" or call.status not in allowed:
            return False
        allowed.remove(call.status)
        return True

    def _note(self, what: str, call: Call, promised: str, began: float) -> None:
        message = " ".join(filter(None, (call.alert, call.about, call.status)))
        seen = (call.at - began) * SPEED / 60
        self.table.append(f"| {what} | {message} | {call.severity} | {promised} | {seen:.1f} |")

    def close(self) -> None:
        for program in self.programs:
            program.kill()
        self.pager.close()


def _deadline(began: float, message: Message) -> float:
    return began + message.minutes * 60 / SPEED + SLACK_SECONDS


def _started(ready: str, name: str, *arguments: str) -> Program:
    if shutil.which(name) is None:
        missing(name, f"apt-get install {name}")
    program = Program([name, *arguments])
    program.wait_for(ready, 30)
    return program


def _prometheus(target: str, alertmanager: str) -> dict[str, object]:
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "bullgauge", "static_configs": [{"targets": [target]}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
    }
