"""Queues that mathematics answers, each method in its file."""
