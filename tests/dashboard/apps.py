"""Knows how tests open the dashboard in this process, on the recording, and read what a screen says."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from streamlit.testing.v1 import AppTest

from dashboard import opened, user_file
from dashboard.opened import Opened
from dashboard.settings import Settings
from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.shared import SharedSource
from exporter.demo.plan import plan_text

APP = Path(opened.__file__).parent / "app.py"
SECONDS = 30


def on_prometheus(url: str, plan: str | None = None, job: str = "bullgauge") -> Opened:
    """What the command opens with `--prometheus url`, and `--config` when a plan is given."""
    settings = Settings("prometheus", url)
    file = user_file.read(None) if plan is None else user_file.understood(plan, Path("demo.yaml"))
    return Opened(settings, SharedSource(PrometheusSource(url, select={"job": job})), file)


def demo_plan() -> str:
    return plan_text()


def whole_app(what: Opened) -> AppTest:
    """The page as it opens, on the overview."""
    opened.keep(what)
    return AppTest.from_file(str(APP), default_timeout=SECONDS).run()


def screen(what: Opened, name: str, queue: str | None = None, range_name: str = "15m") -> AppTest:
    """One screen alone."""

    def script(what, name, queue, range_name):  # type: ignore[no-untyped-def]
        from dashboard import shell

        [chosen] = [one for one in shell.SCREENS if one.name == name]
        shell.look(what, chosen, range_name, queue)

    return AppTest.from_function(script, args=(what, name, queue, range_name), default_timeout=SECONDS).run()


def numbers(app: AppTest) -> dict[str, str]:
    """The figure in each card."""
    assert not app.exception, [one.message for one in app.exception]
    return {metric.label: metric.value for metric in app.metric}


CLAIM = "Figure, and claim"


def compared(app: AppTest) -> pd.DataFrame:
    """The table of Compare by its figures, whose claims and verdicts stand beside them."""
    rows: pd.DataFrame = app.table[0].value.replace("\u00a0", " ", regex=True)
    return rows.set_axis([name.partition(" :small")[0] for name in rows[CLAIM]])


def words(app: AppTest) -> str:
    """Everything that is written as text."""
    parts = [*app.markdown, *app.caption, *app.subheader, *app.info, *app.error, *app.title]
    return "\n".join(str(part.value) for part in parts)
