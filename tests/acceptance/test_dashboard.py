"""The dashboard in deploy/: it has what Grafana needs to load it, and asks only for metrics that are served."""

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from cobalt_mirror.workers.telemetry.metrics import BuildInfo, Metrics
from cobalt_mirror.workers.web.metrics_text import families, limit_families
from tests.acceptance.test_deploy import FOLDER, NOTHING
from tests.pages import OPERATIONS

DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
GRAPHS = [panel for panel in PANELS if panel["type"] != "row"]
QUERIES: list[str] = [target["expr"] for panel in GRAPHS for target in panel["targets"]]
#: Grafana puts a duration in its place.
RATE_INTERVAL = "$__rate_interval"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def test_it_has_the_fields_that_grafana_needs() -> None:
    assert DASHBOARD["id"] is None  # Grafana gives it one
    assert re.fullmatch(r"[\w-]{8,40}", DASHBOARD["uid"])
    assert DASHBOARD["title"] == "cobalt-mirror"
    assert isinstance(DASHBOARD["schemaVersion"], int)
    assert {"time", "timepicker", "templating", "annotations", "refresh", "version"} <= set(DASHBOARD)
    for panel in GRAPHS:
        assert panel["type"] in {"stat", "timeseries"}
        assert panel["title"]
        assert panel["description"]
        assert {"defaults", "overrides"} == set(panel["fieldConfig"])
        references = [target["refId"] for target in panel["targets"]]
        assert references == sorted(set(references))


def test_no_two_panels_have_an_id_or_a_place_in_common() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken = [cells(panel["gridPos"]) for panel in PANELS]

    assert all(0 <= x < 24 for place in taken for x, _ in place)
    assert [pair for pair in combinations(taken, 2) if pair[0] & pair[1]] == []


def cells(place: dict[str, int]) -> set[tuple[int, int]]:
    return {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}


def test_the_data_source_is_chosen_when_it_is_loaded() -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["type"], variable["name"], variable["query"]) == ("datasource", "datasource", "prometheus")
    assert all(part["datasource"] == DATASOURCE for panel in GRAPHS for part in (panel, *panel["targets"]))


def served() -> set[str]:
    registry = CollectorRegistry()
    Metrics(registry)
    of_processes = [*registry.collect(), *BuildInfo().collect()]
    names = set()
    for family in (*families(NOTHING), *limit_families({}), *of_processes):
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        names |= {f"{family.name}{ending}" for ending in endings}
    return names


def test_it_asks_for_all_metrics_that_are_served_and_for_no_others() -> None:
    asked = {name for query in QUERIES for name in re.findall(r"\bcobalt_mirror_\w+", query)}

    assert asked - served() == set()
    assert {name for name in served() if not name.endswith(("_sum", "_count"))} - asked == set()


@pytest.mark.parametrize("name", sorted(served()))
def test_every_metric_is_on_its_page(name: str) -> None:
    assert f"`{re.sub('_(bucket|sum|count)$', '', name)}`" in OPERATIONS


def test_it_is_named_where_the_operator_looks() -> None:
    assert "../deploy/dashboard.json" in OPERATIONS


def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool on PATH; Debian and Ubuntu have it in the package prometheus")
    queries = [query.replace(RATE_INTERVAL, "5m") for query in QUERIES]
    assert "$" not in "".join(queries)
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout
