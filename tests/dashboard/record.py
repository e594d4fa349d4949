"""Knows how the recording of a real exporter was made: `python -m exporter demo` in one shell, this in another.

    python -m tests.dashboard.record http://127.0.0.1:10577 --for 480

It writes `recording.xz` beside itself: a look every 10 seconds, with the moment and the page as it was.
"""

from __future__ import annotations

import argparse
import json
import lzma
import time
import urllib.request
from pathlib import Path

EVERY_SECONDS = 10.0
RECORDING = Path(__file__).parent / "recording.xz"


def looks(url: str, seconds: float) -> list[dict[str, object]]:
    """Pages at equal distances."""
    found: list[dict[str, object]] = []
    begin = time.time()
    while time.time() < begin + seconds:
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            found.append({"at": round(time.time(), 3), "page": answer.read().decode()})
        time.sleep(max(0.0, begin + len(found) * EVERY_SECONDS - time.time()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--for", dest="seconds", type=float, default=480.0)
    options = parser.parse_args()
    text = "\n".join(json.dumps(look) for look in looks(options.url, options.seconds))
    RECORDING.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
