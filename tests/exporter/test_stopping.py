"""A signal ends a program whatever its main thread does at that moment."""

import subprocess
import sys

import pytest

# `Event.wait` holds the event's lock while it begins and ends, `set` takes the same one.
HALF_BEGUN = """
import signal
from exporter.stopping import stopped_by_signals
stop = stopped_by_signals()
with stop._cond:
    signal.raise_signal(signal.{name})
print(stop.wait(10))
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_in_the_middle_of_a_wait_is_heard(name: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", HALF_BEGUN.format(name=name)], capture_output=True, text=True, timeout=60
    )
    assert (said.stdout, said.stderr) == ("True\n", "")
