"""The command `bullgauge-exporter`."""

import argparse
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="bullgauge-exporter")
    parser.parse_args(argv)
    parser.print_help()
    return 0
