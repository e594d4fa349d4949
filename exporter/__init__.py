"""Reads Bull and BullMQ queues from Redis, read-only, and serves Prometheus metrics."""

__version__ = "0.1.0"
