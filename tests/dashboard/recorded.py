"""Knows the recording of a real exporter: as a history in memory, and as blocks of a real Prometheus."""

from __future__ import annotations

import json
import lzma
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dashboard.sources.memory import History
from dashboard.sources.source import Span
from tests.dashboard.record import EVERY_SECONDS, RECORDING
from tests.processes import Program
from tests.servers import free_port, missing


@dataclass(frozen=True, slots=True)
class Look:
    """A page as it was at a moment."""

    at: float
    page: str


@cache
def looks() -> tuple[Look, ...]:
    lines = lzma.decompress(RECORDING.read_bytes()).decode().splitlines()
    return tuple(Look(**json.loads(line)) for line in lines)


def whole() -> Span:
    """All of the recording, in steps of a minute."""
    end = looks()[-1].at
    return Span(end - 480.0, end, 60.0)


def history() -> History:
    """The recording as the dashboard would have looked at it."""
    made = History(EVERY_SECONDS)
    for look in looks():
        made.add(look.at, look.page)
    return made


def moved(look: Look, seconds: float) -> str:
    """The page as if it had been served `seconds` later: what it tells of moments moves too."""

    def later(match: re.Match[str]) -> str:
        return f"{match[1]}{float(match[2]) + seconds:.6f}"

    return re.sub(r"^(\w+_timestamp_seconds(?:\{.*\})? )(\S+)$", later, look.page, flags=re.MULTILINE)


def open_metrics(shift_seconds: float, labels: str = 'job="bullgauge",instance="a"') -> str:
    """All looks as OpenMetrics with timestamps, as promtool reads them into blocks."""
    families: dict[str, list[str]] = {}
    kinds: dict[str, str] = {}
    for look in looks():
        at = f"{look.at + shift_seconds:.3f}"
        family = ""
        for line in moved(look, shift_seconds).splitlines():
            if line.startswith("# TYPE"):
                _, _, family, kind = line.split(" ", 3)
                kinds[family] = kind
            elif not line.startswith("#"):
                families.setdefault(family, []).append(f"{_labelled(line, labels)} {at}")
    text = [_family(name, kinds[name], lines) for name, lines in families.items()]
    return "\n".join(text) + "\n# EOF\n"


def _family(name: str, kind: str, lines: list[str]) -> str:
    return "\n".join([f"# TYPE {name.removesuffix('_total')} {kind}", *lines])


def _labelled(line: str, labels: str) -> str:
    name, brace, rest = line.partition("{")
    if brace:
        return f"{name}{{{labels},{rest}"
    name, _, value = line.partition(" ")
    return f"{name}{{{labels}}} {value}"


class RecordedPrometheus:
    """A real Prometheus that holds the recording; `shift_seconds` moves it so that it ended just now."""

    def __init__(self, folder: Path, *, now: bool, replicas: int = 1) -> None:
        for tool in ("prometheus", "promtool"):
            if shutil.which(tool) is None:
                missing(tool, "apt-get install prometheus")
        self.shift_seconds = time.time() - looks()[-1].at if now else 0.0
        self.end_seconds = looks()[-1].at + self.shift_seconds
        for replica in range(replicas):
            text = folder / f"replica{replica}.txt"
            text.write_text(open_metrics(self.shift_seconds, f'job="bullgauge",instance="r{replica}"'))
            command = [
                "promtool",
                "tsdb",
                "create-blocks-from",
                "openmetrics",
                str(text),
                str(folder / "data"),
            ]
            subprocess.run(command, check=True, capture_output=True)
        (folder / "prometheus.yml").write_text("global: {}\n")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.program = Program(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=10y",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=info",
            ]
        )
        self.program.wait_for("Server is ready to receive web requests")

    def stop(self) -> None:
        self.program.stop()
