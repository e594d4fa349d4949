"""The drill: a real Prometheus and Alertmanager, a real target, and who is woken when; windows 60 times shorter."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts import folder, output, render
from tests.alerts.conftest import plan
from tests.alerts.pager import Pager
from tests.alerts.site import DrillQueue, Site
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


class Drill:
    """Everything running, and a table of what was expected and seen."""

    def __init__(self, place: Path) -> None:
        self.site, self.pager = Site(), Pager()
        text = CONFIG.format(speed=SPEED, url=self.pager.url)
        folder.write(place, output.texts(plan(text), output.Source("drill", text)))
        self.table: list[str] = []
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
        (place / "prometheus.yaml").write_text(render.dump(_prometheus(self.site.address, alertmanager)))
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

    def expect(self, what: str, minutes: float, *pages: tuple[str, str, str]) -> None:
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
            self.table.append(f"| {what} | {call.alert} {call.status} | {minutes:g} | {seen:.1f} |")

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


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    running = Drill(tmp_path)
    yield running
    print(
        "\n".join(["| what happens | page | minutes promised | minutes seen |", "| --- | --- | --- | --- |"])
    )
    print("\n".join(running.table))
    running.close()


@pytest.mark.slow
def test_every_page_comes_once_in_its_time_and_no_other(drill: Drill) -> None:
    site = drill.site
    site.queues = {"email": DrillQueue(finished=3, ready=1), "reports": DrillQueue(finished=0.01)}
    drill.quiet("a quiet night", 45)

    site.queues["reports"].finished, site.queues["reports"].failed = 4, 1
    drill.expect("a fifth of reports fails", 40, ("firing", "BullFailureRateHigh", "reports"))
    site.close()
    drill.expect("the exporter dies", 10, ("firing", "BullExporterDown", ""))
    drill.quiet("the exporter is dead, and nobody says that reports are well", 30)
    site.queues["reports"].failed = 0
    site.open()
    drill.expect("the exporter is back", 15, ("resolved", "BullExporterDown", ""))
    drill.expect("and reports are well", 60, ("resolved", "BullFailureRateHigh", "reports"))

    site.queues["email"].workers, site.queues["email"].finished, site.queues["email"].ready = 0, 0, 500
    drill.expect("the workers of email die", 10, ("firing", "BullNoWorkers", "email"))
    drill.quiet("and that is all that there is to say", 10)
    site.queues["email"].workers, site.queues["email"].finished, site.queues["email"].ready = 2, 3, 0
    drill.expect("new workers", 15, ("resolved", "BullNoWorkers", "email"))

    site.redis_up = False
    drill.expect("Redis dies", 10, ("firing", "BullRedisDown", ""))
    site.redis_up = True
    drill.expect("Redis is back", 15, ("resolved", "BullRedisDown", ""))

    site.queues["new"] = DrillQueue(finished=2, wait_seconds=2)
    drill.expect("a new queue whose jobs wait 2 s", 35, ("firing", "BullLatencyHigh", "new"))
    del site.queues["new"]
    drill.expect("and that is deleted", 30, ("resolved", "BullLatencyHigh", "new"))

    # 3,600 jobs an hour done, and 9,000 an hour to do: below both bounds, with enough work waiting.
    site.queues = {"email": DrillQueue(finished=1, ready=60, workers=2)}
    drill.expect("too few jobs for the work that waits", 45, ("firing", "BullThroughputLow", ""))
    site.queues["email"].finished, site.queues["email"].ready = 4, 0
    drill.expect("and it is done", 60, ("resolved", "BullThroughputLow", ""))
    drill.quiet("all is well", 30)
