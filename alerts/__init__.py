"""Generates Prometheus rules, their tests, Alertmanager routes, dashboards and runbooks."""
