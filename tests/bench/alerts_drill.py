"""The live drill: who is woken when, by real jobs, exporter, Prometheus and Alertmanager; prints expected and seen.

    python -m tests.bench.alerts_drill

About six minutes; exit status 1 when a page is missing, late, double or not expected.
"""

import sys

import pytest


def main() -> int:
    return 1 if pytest.main(["-q", "-s", "-m", "slow", "tests/alerts/test_live.py"]) else 0


if __name__ == "__main__":
    sys.exit(main())
