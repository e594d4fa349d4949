"""This file knows how the `id` counter of a queue becomes a counter that Prometheus can trust."""

from exporter.keys import QueueName


class HeldCounters:
    """Holds a counter over a small step back, as after a failover; a large one is a queue made anew."""

    def __init__(self) -> None:
        self._held: dict[QueueName, int] = {}

    def hold(self, queue: QueueName, value: int | None) -> int | None:
        """The value to show for what Redis says now."""
        if value is None:
            return None
        held = self._held.get(queue, 0)
        if value < held // 2:
            held = 0
        self._held[queue] = max(value, held)
        return self._held[queue]

    def forget(self, queue: QueueName) -> None:
        """The queue was deleted: it starts anew."""
        self._held.pop(queue, None)
