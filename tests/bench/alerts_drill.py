"""The live drill: who is told what when, by real jobs, exporter, Prometheus and Alertmanager; prints expected and seen.

    python -m tests.bench.alerts_drill
    python -m tests.bench.alerts_drill --write   # puts the table into docs/alerting.md as well

About seven minutes; exit status 1 when a message is missing, late, double or not expected.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

from tests.alerts.drill import HEADING, Drill
from tests.alerts.shop import Shop
from tests.alerts.test_live import story

DOC = Path(__file__).parents[2] / "docs" / "alerting.md"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the table into docs/alerting.md")
    write = parser.parse_args(argv).write
    with tempfile.TemporaryDirectory() as place:
        table, why = _played(Path(place))
    print("\n".join(table))
    if why:
        print(f"alerts_drill: {why}", file=sys.stderr)
        return 1
    if write:
        DOC.write_text(_with(DOC.read_text(), table))
    return 0


def _played(place: Path) -> tuple[list[str], str]:
    """What was expected and seen, and what went wrong, if something did."""
    shop = Shop(place)
    drill = Drill(place, shop.exporter_address)
    why = ""
    try:
        story(drill, shop)
    except AssertionError as error:
        why = str(error)
    finally:
        drill.close()
        shop.close()
    return drill.table, why


def _with(text: str, table: list[str]) -> str:
    """The document with this table in the place of the one that it had."""
    old = re.compile(re.escape(HEADING) + r"(?:\n\|.*)+")
    assert old.search(text), f"{DOC}: no table that begins with {HEADING.splitlines()[0]}"
    return old.sub(lambda _: "\n".join(table), text)


if __name__ == "__main__":
    sys.exit(main())
