"""Runs a command in a terminal of its own and draws what it showed at the end as an SVG picture.

python docs/images/terminal.py docs/images/run.svg make run FOR=60
"""

import os
import pty
import shlex
import sys
from html import escape
from pathlib import Path

ERASE_LINE = "\r\x1b[K"
FONT_PIXELS, CHARACTER_PIXELS, LINE_PIXELS, MARGIN_PIXELS = 13, 7.8, 18, 16
STYLE = f"font-family='ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace' font-size='{FONT_PIXELS}'"


def shown(command: list[str]) -> list[str]:
    """The lines on the terminal once the command has ended; its status is ours when it fails."""
    seen = bytearray()

    def read(descriptor: int) -> bytes:
        seen.extend(data := os.read(descriptor, 4096))
        return data

    status = os.waitstatus_to_exitcode(pty.spawn(command, read))
    if status != 0:
        sys.exit(status)
    lines = bytes(seen).decode().replace("\r\n", "\n").split("\n")
    return [f"$ {shlex.join(command)}", *(line.rpartition(ERASE_LINE)[2] for line in lines)]


def picture(lines: list[str]) -> str:
    """The lines as SVG. Each has its length given, so that columns stand whatever the font."""
    width = max(map(len, lines)) * CHARACTER_PIXELS + 2 * MARGIN_PIXELS
    height = len(lines) * LINE_PIXELS + 2 * MARGIN_PIXELS
    texts = "\n".join(_text(line, number) for number, line in enumerate(lines) if line.strip())
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:g} {height:g}' {STYLE}>\n"
        f"<rect width='100%' height='100%' rx='8' fill='#16191f'/>\n{texts}\n</svg>\n"
    )


def _text(line: str, number: int) -> str:
    colour = "#8fd18f" if line.startswith("$ ") else "#d7dae0"
    y = MARGIN_PIXELS + number * LINE_PIXELS + FONT_PIXELS
    return (
        f"<text xml:space='preserve' x='{MARGIN_PIXELS}' y='{y}' fill='{colour}' "
        f"textLength='{len(line) * CHARACTER_PIXELS:g}'>{escape(line)}</text>"
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture("\n".join(shown(sys.argv[2:])).rstrip().split("\n")))
