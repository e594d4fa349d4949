"""How soon What-if answers a turned knob: the report's fleet, simulated queues as life has them, 1,000 queues.

    python -m tests.bench.dashboard_whatif

Prints milliseconds from the turn to the answer of the turned queue, and to the whole screen (AppTest, in this process);
exits 1 when either takes more than a second for the report's fleet, or the answer for the others.
"""

import math
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from streamlit.testing.v1 import AppTest

TURNS = 5
MOST_SECONDS = 1.0


def screen(path: str) -> None:
    """The script that is run: What-if on a file, without a source."""
    import time
    from pathlib import Path

    from dashboard import user_file
    from dashboard.page import Page, fitted, latest
    from dashboard.screens import whatif
    from dashboard.sources.prometheus import PrometheusSource
    from dashboard.sources.shared import SharedSource

    file = user_file.read(Path(path))
    now = time.time()
    times = (fitted(3600, now, 60), latest(900, now, 15), now, "1h")
    source = SharedSource(PrometheusSource("http://127.0.0.1:1"))
    whatif.show(Page(source, *times, file.thresholds, None, file.asked, file.path))


def of_the_report() -> dict[str, Any]:
    names = ("email", "reports", "notifications", "route-optimization", "external-api-coordination")
    return {"jobs_per_hour": 10_000, "queues": [{"name": name, "concurrency": 25} for name in names]}


def as_life_has_them(count: int = 8) -> dict[str, Any]:
    """Bursty arrivals, skewed services, retries: no formula answers these."""
    work = {
        "arrivals": {"process": "renewal", "interval": {"law": "gamma", "mean": 0.5, "scv": 3}},
        "service": {"law": "lognormal", "mean": 1.5, "scv": 2},
        "retries": {"failure_ratio": 0.03, "attempts": 3, "delay": 5},
    }
    return {"queues": [{"name": f"queue-{n}", "concurrency": 5 + n, **work} for n in range(count)]}


def many(count: int = 1000) -> dict[str, Any]:
    return {
        "queues": [{"name": f"queue-{n}", "concurrency": 5, "jobs_per_hour": 500 + n} for n in range(count)]
    }


def seconds_to_answer(document: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Of each turn: until everything is drawn, and until the turned queue was answered and drawn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.yaml"
        path.write_text(yaml.safe_dump(document))
        shown = AppTest.from_function(screen, default_timeout=300, kwargs={"path": str(path)}).run()
        shown.selectbox(key="fleet").set_value("fleet").run()
        whole, first = [], []
        for turn in range(TURNS):
            slider = next(one for one in shown.slider if one.label == "Concurrency")
            began = time.perf_counter()
            slider.set_value(6 + turn).run()
            whole.append(time.perf_counter() - began)
            first.append(shown.session_state["whatif-seconds"] or math.inf)
            assert not shown.exception, shown.exception
        return whole, first


def main() -> int:
    slow = []
    print(f"{'fleet':<34}{'answer, ms':>18}{'whole screen, ms':>18}")
    for name, document, must in (
        ("the report's, by formulas", of_the_report(), True),
        ("8 queues that are simulated", as_life_has_them(), False),
        ("1,000 queues, 20 of them answered", many(), False),
    ):
        whole, first = seconds_to_answer(document)
        print(f"{name:<34}{1000 * statistics.median(first):>18.0f}{1000 * statistics.median(whole):>18.0f}")
        if statistics.median(whole if must else first) > MOST_SECONDS:
            slow.append(name)
    print(f"slower than {MOST_SECONDS:g} s: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
