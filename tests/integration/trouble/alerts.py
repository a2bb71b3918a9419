"""Which rules of deploy/alerts.yml fire for what `/metrics` says, if it goes on like that."""

import operator
import re
import time
from collections.abc import Iterator
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.pages import ROOT

RULES: dict[str, str] = {
    rule["alert"]: rule["expr"]
    for group in yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}
#: A rule that compares with earlier samples; promtool runs it in deploy/alerts_test.yml.
NEEDS_HISTORY = re.compile(r"\boffset\b|\[")
_COMPARISON = re.compile(
    r"(?P<age>time\(\) - )?(?:(?P<over>min by|sum without) \(\w+\) \()?"
    r"(?P<name>\w+)(?:\{(?P<label>\w+)(?P<match>=~?)\"(?P<value>[^\"]+)\"\})?\)?"
    r" (?P<operator>==|>|<) (?P<limit>[\d. *]+)"
)
_ABSENT = re.compile(r"absent\((?P<name>\w+)\)")
_OPERATORS = {"==": operator.eq, ">": operator.gt, "<": operator.lt}
Sample = tuple[dict[str, str], float]


def firing(metrics: str) -> list[str]:
    """Return the rules that fire, in their order.

    Args:
        metrics: what `/metrics` answers; empty: nothing answers.
    """
    samples: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return [name for name, rule in RULES.items() if not NEEDS_HISTORY.search(rule) and fires(rule, samples)]


def fires(rule: str, samples: dict[str, list[Sample]]) -> bool:
    """Return whether a rule holds for some sample.

    A metric has one label. So a minimum by it is each sample, and a sum without it is the sum of all.
    """
    if (absent := _ABSENT.fullmatch(rule)) is not None:
        return absent["name"] not in samples
    comparison = _COMPARISON.fullmatch(rule)
    assert comparison is not None, f"read such a rule here, too: {rule}"
    limit = 1.0
    for factor in comparison["limit"].split("*"):
        limit *= float(factor)
    compare: Any = _OPERATORS[comparison["operator"]]
    values, now = list(_matched(comparison, samples)), time.time()
    if comparison["over"] == "sum without":
        values = [sum(values)] if values else []
    return any(compare(now - value if comparison["age"] else value, limit) for value in values)


def _matched(comparison: re.Match[str], samples: dict[str, list[Sample]]) -> Iterator[float]:
    for labels, value in samples.get(comparison["name"], ()):
        wanted = comparison["value"]
        if comparison["label"] is None or re.fullmatch(
            wanted if comparison["match"] == "=~" else re.escape(wanted), labels[comparison["label"]]
        ):
            yield value
