"""What `manage.py check` says without asking anybody, and in which form."""

import pytest
from django.core import checks
from django.test import override_settings

from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.django import WrongDatabase, checking
from cobalt_mirror.django.configuring import find_contradictions, read_settings, read_variables
from cobalt_mirror.django.publishing import publish
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.workers.ops.doctor.finding import Finding, broken, fine, warning
from tests.world import TEST_KEY

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COBALT_API_KEY", "DATABASE_URL", "MIRROR_SCHEMA", "MIRROR_SECRET_KEYS"):
        monkeypatch.delenv(name, raising=False)


def said() -> list[tuple[type, str, str | None]]:
    return [(type(each), each.msg, each.id) for each in checking.check_settings()]


@pytest.mark.parametrize(
    ("finding", "kind"),
    [
        (fine("a", "x"), checks.Info),
        (warning("a", "x", "y"), checks.Warning),
        (broken("a", "x", "y"), checks.Error),
        (fine("work", "x"), checks.Info),
        (warning("processes", "x", "y"), checks.Warning),
        (broken("work", "x", "y"), checks.Warning),
    ],
)
def test_a_finding_keeps_its_level_and_remedy_unless_it_is_of_other_processes(finding: Finding, kind: type) -> None:
    message = checking.message_for(finding)

    assert (type(message), message.msg, message.hint, message.id) == (
        kind,
        f"{finding.area}: x",
        finding.remedy,
        f"cobalt_mirror.{finding.area}",
    )


@override_settings(MIRROR_SECRET_KEYS=TEST_KEY)
def test_a_project_with_its_keys_has_no_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://of-the-host")
    monkeypatch.setenv("LOG_LEVEL", "of-the-host")

    assert said() == []


def test_what_is_missing_or_misspelt_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRROR_SHEMA", "crm")

    assert [(kind, text.split(" is ")[0]) for kind, text, _ in said()] == [
        (checks.Warning, "settings: MIRROR_SHEMA"),
        (checks.Warning, "settings: MIRROR_SECRET_KEYS"),
    ]


@pytest.mark.parametrize("name", ["MIRROR_SECRET_KEYS", "MIRROR_SCHEMA"])
@pytest.mark.parametrize("value", [f"{SECRET}!", [SECRET]])
def test_what_cannot_be_used_is_an_error_without_the_value(name: str, value: object) -> None:
    with override_settings(**{name: value}):
        ((_, text, _),) = [each for each in said() if each[0] is checks.Error]

    assert text.startswith(f"settings: {name}: ")
    assert SECRET not in text


def test_the_settings_module_goes_before_the_variable_and_a_contradiction_is_a_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIRROR_SCHEMA", "of_a_variable")

    with override_settings(MIRROR_SCHEMA="crm"):
        assert read_variables()["MIRROR_SCHEMA"] == read_settings().mirror_schema == "crm"
        assert find_contradictions() == ["MIRROR_SCHEMA"]
        assert "has one value in the settings module and another one" in said()[0][1]
        monkeypatch.setenv("MIRROR_SCHEMA", "crm")
        assert find_contradictions() == []


def test_a_database_that_cannot_hold_the_mirror_is_refused() -> None:
    with pytest.raises(WrongDatabase, match=r"^the database 'elsewhere' is unknown, and the mirror is in PostgreSQL"):
        publish(UserSignedUp("acme"), using="elsewhere")


@override_settings(MIRROR_SECRET_KEYS=SECRET)
def test_publishing_with_keys_that_are_none_says_so() -> None:
    with pytest.raises(BadSetting, match=r"^MIRROR_SECRET_KEYS: key 1 is not a Fernet key"):
        publish(UserSignedUp("acme"))
