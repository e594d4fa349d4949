"""Knows the PromQL of how much a counter grew in windows of time, where several exporters count the same.

PromQL's own `increase` guesses at both ends of a window: some per cent where a window holds few scrapes. The difference
of what was held at the two ends guesses nothing, and windows side by side add up to the whole.
"""

from dataclasses import dataclass

# The last sample before an end of a window speaks for it, unless two scrapes were missed; a busy machine may pause.
EDGE_SCRAPES, EDGE_SECONDS = 2.5, 10.0


@dataclass(frozen=True, slots=True)
class Growth:
    """A counter's growth in the window before each moment. `counter` is a selector of all its copies."""

    counter: str
    window_seconds: float
    scrape_seconds: float

    @property
    def exact(self) -> str:
        """Of copies that were held at both ends and did not begin anew in between."""
        return _once(f"({self._last} - {self._before}) unless {self.anew}")

    @property
    def throughout(self) -> str:
        """The exact one; else what `increase` says of copies that were held at both ends and began anew."""
        return f"({self.exact} or {_once(f'{self._increase} and ({self._last} - {self._before})')})"

    @property
    def since_begun(self) -> str:
        """The same; else, where no copy was held before, what one counted that began at 0 in the window."""
        return f"({self.throughout} or {self._begun})"

    @property
    def in_part(self) -> str:
        """The exact one; else since it began; else what `increase` says of copies that were there for a part."""
        return f"({self.exact} or {self._begun} or {_once(self._increase)})"

    @property
    def between(self) -> str:
        """Of copies that were held at both ends, whether they began anew or not."""
        return _once(f"{self._last} - {self._before}")

    @property
    def not_between(self) -> str:
        """What was held within the window, and by no copy at both ends."""
        return f"({_once(f'last_over_time({self.counter}[{self._window}])')} unless {self.between})"

    @property
    def _begun(self) -> str:
        began = f"{self._last} and (min_over_time({self.counter}[{self._window}]) == 0)"
        return f"({_once(began)} unless {_once(self._before)})"

    @property
    def _last(self) -> str:
        """The last sample, no further back than the edge; an instant selector would look back five minutes."""
        return f"last_over_time({self.counter}[{milliseconds(self._edge)}])"

    @property
    def _before(self) -> str:
        return f"last_over_time({self.counter}[{milliseconds(self._edge)}] offset {self._window})"

    @property
    def anew(self) -> str:
        """The copies that began anew."""
        return f"(resets({self.counter}[{milliseconds(self.window_seconds + self._edge)}]) > 0)"

    @property
    def _increase(self) -> str:
        return f"increase({self.counter}[{self._window}])"

    @property
    def _edge(self) -> float:
        return min(max(EDGE_SCRAPES * self.scrape_seconds, EDGE_SECONDS), self.window_seconds)

    @property
    def _window(self) -> str:
        return milliseconds(self.window_seconds)


def _once(copies: str) -> str:
    """Of the copies on one Redis the one that saw most."""
    return f"max without (instance, pod) ({copies})"


def milliseconds(span_seconds: float) -> str:
    """A duration as PromQL writes it."""
    return f"{round(span_seconds * 1000)}ms"
