"""Knows how to run a real Prometheus that holds made samples: lines of OpenMetrics, taken in by promtool."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes import Program
from tests.servers import free_port, missing


def take_in(place: Path, lines: Iterable[str]) -> None:
    """Write samples (in order of series) and make blocks of them below `place`."""
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            missing(program, "apt-get install prometheus")
    with (place / "samples.txt").open("w") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.write("# EOF\n")
    # promtool reads the whole file again for each block, of two hours by default.
    made = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics"]
    subprocess.run([*made, str(place / "samples.txt"), str(place / "tsdb")], check=True, capture_output=True)


@contextmanager
def served(place: Path, *options: str) -> Iterator[str]:
    """`host:port` of a Prometheus over what was taken in."""
    (place / "prometheus.yaml").write_text("global: {}\n")
    address = f"127.0.0.1:{free_port()}"
    program = Program(
        [
            "prometheus",
            f"--config.file={place}/prometheus.yaml",
            f"--storage.tsdb.path={place}/tsdb",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={address}",
            *options,
        ]
    )
    try:
        program.wait_for("Server is ready to receive web requests", 60)
        yield address
    finally:
        program.stop()
