"""Knows how an option that is a whole number between two ends is read."""

import argparse
from collections.abc import Callable


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """What argparse calls with the words of the option."""

    def read(text: str) -> int:
        number = int(text) if text.strip().lstrip("-").isdecimal() else least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text}: give a whole number from {least} to {most}")
        return number

    return read
