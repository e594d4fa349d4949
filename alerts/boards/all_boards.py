"""This file knows which dashboards there are: Overview, Queue, Redis and connections."""

from alerts.boards.overview import overview
from alerts.boards.panels import Board
from alerts.boards.queue import queue
from alerts.boards.redis import redis
from alerts.rules import Ground


def boards(g: Ground) -> tuple[Board, ...]:
    """All dashboards. With BullMQ's own metrics nothing is known of Redis, and there are two."""
    both = (overview(g), queue(g))
    return both if g.config.profile == "bullmq" else (*both, redis(g))
