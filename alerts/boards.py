"""This file knows which dashboards there are: Overview, Queue, Redis and connections."""

from alerts.board_overview import overview
from alerts.board_queue import queue
from alerts.board_redis import redis
from alerts.panels import Board
from alerts.rules import Ground


def boards(g: Ground) -> tuple[Board, ...]:
    """All dashboards. With BullMQ's own metrics nothing is known of Redis, and there are two."""
    both = (overview(g), queue(g))
    return both if g.config.profile == "bullmq" else (*both, redis(g))
