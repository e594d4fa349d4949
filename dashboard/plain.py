"""This file knows how a text that comes from elsewhere is shown as it is: Markdown in it means nothing."""

import re

_MEANT = re.compile(r"([\\`*_\[\]<>$!|~])")


def plain(text: str) -> str:
    """A picture in the words of a server would have the browser ask another host for it."""
    return _MEANT.sub(r"\\\1", text)
