"""The alert rules in deploy/: each names metrics that are served, fires in a test of its own, and is documented."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from cobalt_mirror.db.gauges import Gauges
from cobalt_mirror.workers.cli.app import COMMANDS
from cobalt_mirror.workers.web.metrics_text import action_families, families, limit_families
from tests.pages import OPERATIONS, ROOT

FOLDER = ROOT / "deploy"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
NOTHING = Gauges(
    waiting={},
    oldest_due_seconds=0,
    dead={},
    halted=None,
    pauses=0,
    connections={},
    processes={},
    passed_at=None,
    notified_at=None,
    drift={},
    unnumbered_seconds=0,
    notices_pending=0,
    notices_failed=0,
    notices_due_seconds=0,
    receivers_disabled=0,
)


def test_each_rule_asks_for_metrics_that_are_served() -> None:
    served = {family.name for family in (*families(NOTHING), *limit_families({}), *action_families(()))}
    asked = {name for rule in RULES for name in re.findall(r"\bcobalt_mirror_\w+", rule["expr"])}

    assert asked
    assert asked <= served


def test_each_remedy_names_commands_that_exist() -> None:
    remedies = [rule["annotations"]["remedy"].replace("{{ $labels.kind }}", "worker") for rule in RULES]
    commands = {command for remedy in remedies for command in re.findall(r"`cobalt-mirror (\w+)", remedy)}

    assert {"status", "doctor", "dead", "reconcile"} <= commands <= set(COMMANDS)


def test_each_rule_has_a_test_in_which_it_fires() -> None:
    cases = [
        case
        for test in yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    fires = {case["alertname"] for case in cases if case["exp_alerts"]}

    assert fires == {rule["alert"] for rule in RULES}


def test_each_rule_is_documented() -> None:
    assert [rule["alert"] for rule in RULES if f"`{rule['alert']}`" not in OPERATIONS] == []


def test_prometheus_understands_the_rules_and_they_fire_when_they_should() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool on PATH; Debian and Ubuntu have it in the package prometheus")
    for arguments in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run([promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stdout + done.stderr
