"""Alertmanager: routes, receivers, what silences what, and merging into a file in use."""
