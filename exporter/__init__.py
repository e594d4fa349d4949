"""Reads Bull and BullMQ queues from Redis, read-only, and serves Prometheus metrics."""
