"""What the README and the pages in docs/ list is complete and true, and their links lead somewhere."""

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
from cobalt_mirror.workers.cli.app import app
from cobalt_mirror.workers.local.procfile import find_procfile, read_procfile
from cobalt_mirror.workers.outcomes import Verdict
from cobalt_mirror.workers.settings import Settings
from tests.pages import EVENTS, OUTCOMES, PAGES, README, ROOT, rows


def shown(value: object) -> str:
    """A default as the README writes it."""
    match value:
        case None:
            return "unset"
        case SecretStr():
            return shown(value.get_secret_value() or None)
        case bool():
            return f"`{str(value).lower()}`"
        case _:
            return f"`{value}`"


def test_the_table_of_settings_is_complete_and_its_defaults_are_true() -> None:
    told = {cells[0].strip("`"): cells[1] for cells in rows(README, "| variable | default | meaning |")}
    true = {name.upper(): shown(field.default) for name, field in Settings.model_fields.items()}

    assert told == true


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        link = urlsplit(target)
        if link.scheme:
            continue
        led_to = (page.parent / link.path).resolve() if link.path else page
        assert led_to.is_relative_to(ROOT), target
        assert led_to.exists(), target
        if link.fragment:
            headings = re.findall(r"^#+ (.*)$", led_to.read_text("utf-8"), flags=re.MULTILINE)
            assert link.fragment in {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}


def test_the_readme_can_be_read_at_one_sitting() -> None:
    assert len(README.splitlines()) < 400


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
    told = {cells[0].strip("`"): cells[1].strip("`") for cells in rows(README, "| process | command | how many |")}

    assert told == read_procfile(find_procfile())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_mentioned_exists(page: Path) -> None:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    commands |= {str(group.name) for group in app.registered_groups}
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    text = page.read_text("utf-8")

    assert set(re.findall(r"`cobalt-mirror ([a-z]+)", text)) <= commands
    assert set(re.findall(r"`make ([a-z]+)", text)) <= set(targets)


def test_what_pip_is_told_to_install_is_there() -> None:
    [locked] = re.findall(r"`pip install --require-hashes -r (\S+)`", README)

    assert "sqlalchemy==" in (ROOT / locked).read_text()
