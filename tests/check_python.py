"""Says in one line why this Python cannot make the environment, if it cannot; runs on any Python 3."""

import importlib.util
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - run by the Python that make finds, not by ours
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(
        f"{sys.executable} is Python {found}; bullgauge needs 3.11 or newer: make PYTHON=/path/to/python3.11"
    )
if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
    sys.exit(f"{sys.executable} has no venv; on Debian and Ubuntu: apt-get install python3-venv")
