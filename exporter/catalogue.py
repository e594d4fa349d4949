"""This file knows every metric, in the order of the page. Nothing but the two files it gathers names one."""

from exporter.catalogue_queues import *  # noqa: F403
from exporter.catalogue_server import *  # noqa: F403
from exporter.metric import Kind as Kind
from exporter.metric import Metric as Metric

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All metrics in the order of the page."""
BY_NAME = {metric.name: metric for metric in METRICS}
