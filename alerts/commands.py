"""This file knows what each verb of `bullgauge-alerts` does."""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from alerts import config_file, folder, forms, lint, output, programs, runbooks
from alerts.alertmanager import merging, routing
from alerts.alertmanager.merging import MergeError
from alerts.cases import proving
from alerts.config import Config, Targets
from alerts.config_file import ConfigError
from alerts.output import Plan, Source
from exporter.command_line import UsageError
from exporter.spelling import close_to


def run(options: argparse.Namespace) -> int:
    """Run the chosen verb; returns the exit status. Raises UsageError.

    What asks a Prometheus is imported where it is wanted: `generate` is to begin at once.
    """
    verbs: dict[str, Callable[[argparse.Namespace], int]] = {
        "generate": _generate,
        "check": _check,
        "test": _test,
        "explain": _explain,
        "merge": _merge,
        "schema": _schema,
        "backtest": _backtest,
    }
    try:
        return verbs[options.verb](options)
    except (ConfigError, MergeError) as error:
        raise UsageError(str(error)) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"{error.filename or options.verb}: {error.strerror}") from error


def _plan(options: argparse.Namespace) -> tuple[Plan, Source]:
    path: Path | None = options.config
    text = config_file.read(path)
    plan = config_file.parse(text, str(path) if path else "defaults")
    return plan, Source(path.name if path else "the defaults", text)


def _generate(options: argparse.Namespace) -> int:
    plan, source = _plan(options)
    files = output.texts(plan, source)
    for form in options.form:
        files |= forms.FORMS[form](plan, source, files)
    folder.write(options.out, files)
    _tell(f"{options.out}: {len(files)} files, {len(plan.names)} alerts")
    _warn(plan.ground.config)
    return 0


def _warn(config: Config) -> None:
    if routing.goes_nowhere(config):
        what, add = ("no route names a receiver for critical alerts", "`routes`")
        if not config.receivers:
            what, add = ("no receiver is configured", "`receivers` and `routes`")
        _say(f"{what}: pages go nowhere; add {add} to the configuration")
    if config.speed != 1:
        _say(
            f"speed is {config.speed:g}: a drill; no rule tests are written, and no such rules belong into production"
        )


def _tell(result: str) -> None:
    sys.stdout.write(result + "\n")


def _say(text: str) -> None:
    sys.stderr.write(f"bullgauge-alerts: {text}\n")


def _check(options: argparse.Namespace) -> int:
    plan, source = _plan(options)
    found = list(lint.findings(plan.groups, plan.ground.config))
    files = output.texts(plan, source)
    found += _found_by_tools(plan.ground.config.targets, files)
    if options.diff is not None:
        forms_there = forms.there(options.diff, plan, source, files)
        found += list(folder.differences(options.diff, {**files, **forms_there}))
    if options.prometheus is not None:
        from alerts import asking

        found += asking.drift(options, plan)
    if options.json:
        _tell(json.dumps({"findings": found, "alerts": plan.names}, indent=2))
    else:
        _tell("\n".join(found) if found else f"{len(plan.names)} alerts: nothing found")
    return 1 if found else 0


def _found_by_tools(targets: Targets, files: Mapping[str, str]) -> list[str]:
    found = []
    with tempfile.TemporaryDirectory() as place:
        folder.write(Path(place), files)
        for tool, version, judged in (
            ("promtool", targets.prometheus, programs.promtool_check),
            ("amtool", targets.alertmanager, programs.amtool_check),
        ):
            reason = programs.unfit(tool, version)
            if reason:
                _say(f"{reason}; its checks were left out")
            else:
                found += judged(Path(place))
    return found


def _test(options: argparse.Namespace) -> int:
    plan, _ = _plan(options)
    if shutil.which(options.promtool) is None:
        raise UsageError(
            f"{options.promtool}: no such program; install Prometheus or name it with --promtool"
        )
    passed, text = proving.prove(plan, options.promtool)
    _tell(text if text else f"{len(output.cases(plan))} rule tests passed")
    return 0 if passed else 1


def _explain(options: argparse.Namespace) -> int:
    plan, _ = _plan(options)
    if options.alert is None:
        known = runbooks.texts()
        for name in plan.names:
            _tell(f"{name}: {known[name]['meaning']}")
        return 0
    if options.alert not in plan.names:
        close = close_to(options.alert, plan.names)
        raise UsageError(f"{options.alert}: no such alert{close or '; bullgauge-alerts explain lists all'}")
    _tell(output.runbook(plan, options.alert).rstrip())
    return 0


def _merge(options: argparse.Namespace) -> int:
    plan, _ = _plan(options)
    _tell(merging.merged(options.file, routing.document(plan.ground.config)).rstrip())
    return 0


def _schema(_options: argparse.Namespace) -> int:
    _tell(json.dumps(Config.model_json_schema(), indent=2))
    return 0


def _backtest(options: argparse.Namespace) -> int:
    from alerts import asking

    return asking.play(options)
