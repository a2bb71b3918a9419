"""Lists in the README and in docs/ are complete, their links work, and each decision names the tests that hold it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from cobalt_mirror import cobalt
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.events import EVENT_TYPES
from cobalt_mirror.workers.cli.app import COMMANDS, load_command
from cobalt_mirror.workers.local.procfile import find_procfile, read_procfile
from cobalt_mirror.workers.outcomes import Verdict
from cobalt_mirror.workers.settings import Settings
from tests.pages import DOCS, EVENTS, HOSTING, OPERATIONS, OUTCOMES, PAGES, README, ROOT, SETTINGS, rows

DECISIONS = sorted((DOCS / "decisions").glob("*.md"))


def written(value: object) -> str:
    """Return a default as the page writes it."""
    match value:
        case None:
            return "unset"
        case SecretStr():
            return written(value.get_secret_value() or None)
        case bool():
            return f"`{str(value).lower()}`"
        case _:
            return f"`{value}`"


def test_the_table_of_settings_is_complete_and_its_defaults_are_true() -> None:
    table = {cells[0].strip("`"): cells[1] for cells in rows(SETTINGS, "| variable | default | meaning |")}
    defaults = {name.upper(): written(field.default) for name, field in Settings.model_fields.items()}

    assert table == defaults


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        link = urlsplit(target)
        if link.scheme:
            continue
        path = (page.parent / link.path).resolve() if link.path else page
        assert path.is_relative_to(ROOT), target
        assert path.exists(), target
        if link.fragment:
            headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), flags=re.MULTILINE)
            assert link.fragment in {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_the_readme_has_fewer_than_300_lines() -> None:
    assert len(README.splitlines()) < 300


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name)
def test_every_decision_ends_with_tests_that_exist(page: Path) -> None:
    paragraphs = page.read_text("utf-8").rstrip().split("\n\n")
    tests = [re.fullmatch(r"Test: `(tests/[\w/]+\.py)::(\w+)`", each) for each in paragraphs]

    assert tests[-1] is not None, "end with a paragraph such as: Test: `tests/unit/test_outcomes.py::test_name`"
    for path, function in (match.groups() for match in tests if match is not None):
        assert re.search(rf"^def {function}\(", (ROOT / path).read_text("utf-8"), flags=re.MULTILINE), function


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    folders = "alembic|benchmarks|cobalt|db|docs|events|tests|workers"
    for path in re.findall(rf"`((?:{folders})/[\w./]*\w)(?:::\w+)?`", page.read_text("utf-8")):
        assert (ROOT / path).exists(), path


def test_every_event_type_and_field_is_on_its_page() -> None:
    table = {cells[0].strip("`"): cells for cells in rows(EVENTS, "| type | says | in Python | payload |")}

    assert set(table) == EVENT_TYPES.keys()
    for name, kind in EVENT_TYPES.items():
        assert tuple(re.findall(r"`(\w+)`", table[name][3])) == kind.payload_fields
        assert kind.__name__ in table[name][2]


def test_every_outcome_move_and_error_is_on_its_page() -> None:
    table = [cells[0].strip("`") for cells in rows(OUTCOMES, "| outcome | `status` | attempts | what happens next |")]
    abstract = {"CobaltError", "ResponseError", "TransportError"}
    errors: Mapping[str, Any] = {
        name: value for name, value in vars(cobalt).items() if isinstance(value, type) and issubclass(value, Exception)
    }

    assert sorted(table) == sorted(Verdict)
    for name in {*errors, *Move} - abstract:
        assert f"`{name}`" in OUTCOMES, name


def test_the_processes_for_production_are_those_of_the_procfile() -> None:
    table = {cells[0].strip("`"): cells[1].strip("`") for cells in rows(README, "| process | command | how many |")}

    assert table == read_procfile(find_procfile())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_mentioned_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    text = page.read_text("utf-8")

    assert set(re.findall(r"`cobalt-mirror ([a-z]+)", text)) <= set(COMMANDS)
    assert set(re.findall(r"`make ([a-z]+)", text)) <= set(targets)


def test_every_option_of_reconcile_is_on_its_page() -> None:
    table = {cells[0].strip("`").split()[0] for cells in rows(OPERATIONS, "| option | effect |")}
    options = {parameter.opts[0] for parameter in load_command("reconcile").params}

    assert table == options - {"--json", "--help"}


def test_the_requirements_that_pip_installs_are_there() -> None:
    [locked] = re.findall(r"`pip install --require-hashes -r (\S+)`", HOSTING)

    assert "sqlalchemy==" in (ROOT / locked).read_text()
