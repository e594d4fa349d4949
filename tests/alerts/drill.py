"""Knows a drill: Prometheus, Alertmanager and a pager around a site, and a table of what was expected and seen."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from alerts import folder, output, render
from tests.alerts.conftest import plan
from tests.alerts.pager import Pager
from tests.processes import Program
from tests.servers import free_port, missing

SPEED = 60
"""A minute is a second."""
CONFIG = """\
speed: {speed}
receivers:
  pages: {{webhook: {{url: "{url}/page"}}}}
  warnings: {{webhook: {{url: "{url}/warn"}}}}
routes: [{{critical: pages, warning: warnings}}]
watchdog: warnings
"""
SLACK_SECONDS = 4
"""What scrapes, evaluations and hand-overs of a second each add on a busy machine."""
HEADING = "| what happens | page | minutes promised | minutes seen |\n| --- | --- | --- | --- |"
Page = tuple[str, str, str]
"""`firing` or `resolved`, the alert, its queue."""


class Drill:
    """Everything that watches, running."""

    def __init__(self, place: Path, target: str) -> None:
        self.pager = Pager()
        text = CONFIG.format(speed=SPEED, url=self.pager.url)
        folder.write(place, output.texts(plan(text), output.Source("drill", text)))
        self.table = [HEADING]
        self._seen = 0
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

    def expect(self, what: str, minutes: float, *pages: Page) -> None:
        """These pages come within the time, each once, and no other."""
        began, wanted = time.monotonic(), set(pages)
        deadline = began + minutes * 60 / SPEED + SLACK_SECONDS
        while wanted:
            call = self.pager.wait_for(lambda _call: True, deadline - time.monotonic(), self._seen)
            assert call is not None, f"{what}: {wanted} never came"
            assert call.page in wanted, f"{what}: {call} was not expected"
            assert "error expanding" not in call.description, call.description
            wanted.remove(call.page)
            self._seen += 1
            seen = (call.at - began) * SPEED / 60
            page = " ".join(filter(None, (call.alert, call.queue, call.status)))
            self.table.append(f"| {what} | {page} | {minutes:g} | {seen:.1f} |")

    def quiet(self, what: str, minutes: float) -> None:
        """No page comes in this time."""
        call = self.pager.wait_for(lambda _call: True, minutes * 60 / SPEED, self._seen)
        assert call is None, f"{what}: {call} was not expected"
        self.table.append(f"| {what} | nothing | {minutes:g} | nothing |")

    def close(self) -> None:
        for program in self.programs:
            program.kill()
        self.pager.close()


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
