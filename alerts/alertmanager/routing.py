"""This file knows who is told of which alert: routes, receivers, quiet hours, and what silences what."""

from collections.abc import Iterator
from typing import Any

from alerts.alerting.exporter import WATCHDOG
from alerts.alertmanager.inhibitions import inhibitions
from alerts.alertmanager.receivers import ReceiverKinds
from alerts.config import Config, Route
from alerts.promql import duration

NOWHERE = "nowhere"
"""The receiver of an alert that nobody asked for: Alertmanager shows it and tells no one."""
QUIET = "bullgauge-quiet-hours"
GROUP_WAIT, GROUP_INTERVAL, REPEAT, REPEAT_WARNING = 30, 300, 4 * 3600, 24 * 3600


class RoutingError(ValueError):
    """The routes can't be written; `path` is where in the configuration the reason stands."""

    def __init__(self, path: tuple[str | int, ...], text: str) -> None:
        super().__init__(text)
        self.path = path


def document(config: Config) -> dict[str, Any]:
    """The content of alertmanager.yaml: complete as it stands, and its parts fit into another file.

    Raises RoutingError.
    """
    _check_names(config)
    whole: dict[str, Any] = {
        "route": {
            "receiver": NOWHERE,
            "routes": [_ours(config)],
        },
        "receivers": [{"name": NOWHERE}, *_receivers(config)],
        "inhibit_rules": [inhibition.document() for inhibition in inhibitions(config)],
    }
    if config.quiet_hours is not None:
        whole["time_intervals"] = [{"name": QUIET, "time_intervals": [_quiet(config)]}]
    return whole


def _check_names(config: Config) -> None:
    if NOWHERE in config.receivers:
        raise RoutingError(("receivers", NOWHERE), "this name is taken: it stands for nobody")
    teams = [route.team for route in config.routes]
    for index, team in enumerate(teams):
        if team in teams[:index]:
            who = f"team {team!r}" if team else "all others"
            raise RoutingError(("routes", index), f"there is a route for {who} already")
    if config.watchdog is not None:
        _known(config, ("watchdog",), config.watchdog)


def _known(config: Config, path: tuple[str | int, ...], name: str) -> str:
    if name not in config.receivers:
        known = ", ".join(config.receivers) or "none"
        raise RoutingError(path, f"receiver {name!r} is not among {known}")
    return name


def _ours(config: Config) -> dict[str, Any]:
    """The route of everything that these rules send; it fits under any other root."""
    group_by = ["alertname", "severity", *config.redis_labels, "prefix", "queue", "pool", "cache", "window"]
    return {
        "receiver": _receiver(config, _others(config), "critical"),
        "matchers": ['alertname=~"Bull.+"'],
        "group_by": [*group_by, "team"],
        "group_wait": _span(config, GROUP_WAIT),
        "group_interval": _span(config, GROUP_INTERVAL),
        "repeat_interval": _span(config, REPEAT),
        "routes": [_watchdog(config), *_routes(config)],
    }


def _span(config: Config, seconds: float) -> str:
    return duration(seconds / config.speed)


def _watchdog(config: Config) -> dict[str, Any]:
    return {
        "receiver": config.watchdog or NOWHERE,
        "matchers": [f'alertname="{WATCHDOG}"'],
        "group_wait": "0s",
        "group_interval": _span(config, 60),
        "repeat_interval": _span(config, 300),
    }


def _routes(config: Config) -> Iterator[dict[str, Any]]:
    """One route for each team and severity, the others last."""
    teams = [route for route in config.routes if route.team is not None]
    for route in (*teams, _others(config)):
        of_team = [f'team="{route.team}"'] if route.team is not None else []
        yield {
            "receiver": _receiver(config, route, "critical"),
            "matchers": [*of_team, 'severity="critical"'],
        }
        warning: dict[str, Any] = {
            "receiver": _receiver(config, route, "warning"),
            "matchers": [*of_team, 'severity="warning"'],
            "repeat_interval": _span(config, REPEAT_WARNING),
        }
        if config.quiet_hours is not None:
            warning["mute_time_intervals"] = [QUIET]
        yield warning


def _others(config: Config) -> Route:
    return next((route for route in config.routes if route.team is None), Route())


def _receiver(config: Config, route: Route, severity: str) -> str:
    """The receiver named; with one receiver and no routes, that one; else nobody."""
    named: str | None = getattr(route, severity) or route.critical
    if named is not None:
        return _known(config, ("routes",), named)
    return next(iter(config.receivers)) if len(config.receivers) == 1 else NOWHERE


def goes_nowhere(config: Config) -> bool:
    """Whether critical alerts of the default team reach nobody."""
    return _receiver(config, _others(config), "critical") == NOWHERE


def _quiet(config: Config) -> dict[str, Any]:
    hours = config.quiet_hours
    assert hours is not None
    interval: dict[str, Any] = {"times": [part for span in hours.times for part in _over_midnight(span)]}
    if hours.weekdays:
        interval["weekdays"] = list(hours.weekdays)
    interval["location"] = hours.location
    return interval


def _over_midnight(span: str) -> Iterator[dict[str, str]]:
    """Alertmanager knows no interval over midnight; two do."""
    start, end = span.split("-")
    if start < end:
        yield {"start_time": start, "end_time": end}
        return
    yield {"start_time": start, "end_time": "24:00"}
    if end != "00:00":
        yield {"start_time": "00:00", "end_time": end}


def _receivers(config: Config) -> Iterator[dict[str, Any]]:
    for name, kinds in config.receivers.items():
        yield {"name": name, **_integrations(config, name, kinds)}


def _integrations(config: Config, name: str, kinds: ReceiverKinds) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, kind in (
        ("slack_configs", kinds.slack),
        ("pagerduty_configs", kinds.pagerduty),
        ("email_configs", kinds.email),
        ("webhook_configs", kinds.webhook),
        ("opsgenie_configs", kinds.opsgenie),
        ("msteams_configs", kinds.teams),
    ):
        if kind is not None:
            _check_target(config, name, kinds)
            settings = kind.model_dump(exclude_none=True, by_alias=True)
            found[key] = [{"send_resolved": True, **_shaped(settings)}]
    return found


def _shaped(settings: dict[str, Any]) -> dict[str, Any]:
    token = settings.pop("bearer_token_file", None)
    if token is not None:
        settings["http_config"] = {"authorization": {"type": "Bearer", "credentials_file": token}}
    return settings


# Changelog of Alertmanager: msteams_configs and webhook url_file came with 0.26, msteams webhook_url_file with 0.28.
NEEDS = {"teams": (0, 28), "webhook.url_file": (0, 26)}


def _check_target(config: Config, name: str, kinds: ReceiverKinds) -> None:
    target = tuple(int(part) for part in config.targets.alertmanager.split(".")[:2])
    wanted = {
        "teams": kinds.teams is not None,
        "webhook.url_file": kinds.webhook is not None and kinds.webhook.url_file is not None,
    }
    for feature, used in wanted.items():
        if used and target < NEEDS[feature]:
            needed = ".".join(map(str, NEEDS[feature]))
            raise RoutingError(
                ("receivers", name),
                f'{feature} needs Alertmanager {needed}; set `targets: {{alertmanager: "{needed}"}}` if yours is',
            )
