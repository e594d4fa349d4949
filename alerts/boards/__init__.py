"""Grafana dashboards, as values and as Grafana's JSON."""
