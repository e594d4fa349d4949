"""Measures how late this machine wakes a program that sleeps: python lateness.py, until its stdin is closed.

Bull's messages carry no times, so their receive times stand for them; on a busy machine every program receives
late, the exporter among them. This one does nothing else, so what it prints is the machine's doing: the lateness
in seconds that 99 of 100 wake-ups stay below.
"""

from __future__ import annotations

import select
import sys
import time

NAP_SECONDS = 0.005


def measure() -> float:
    late: list[float] = []
    while True:
        began = time.monotonic()
        if select.select([sys.stdin], [], [], NAP_SECONDS)[0]:
            return sorted(late)[len(late) * 99 // 100] if late else 0.0
        late.append(time.monotonic() - began - NAP_SECONDS)


if __name__ == "__main__":
    print(f"late {measure():.6f}")
