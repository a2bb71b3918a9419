"""A catalogue made of a running Cobalt's answers: here another sandbox is that Cobalt."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from cobalt_mirror.cobalt import UnknownAccount
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxServer
from cobalt_mirror.cobalt.sandbox.catalogue import Application, Catalogue, bundled_catalogue
from cobalt_mirror.cobalt.sandbox.catalogue_file import read_catalogue
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.ops.catalogue_import import import_catalogue
from cobalt_mirror.workers.settings import Settings
from tests.commands import Shell

PUBLIC = "/api/v2/public"
#: What has a config; a connection of xero has its own.
CONFIGURED = ("slack", "hubspot", "order_desk", "xero")
#: What the account that is read first is connected to, by an object and by null.
IDENTIFIED = ("salesforce", "notion")


@pytest.fixture
def cobalt() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(rate_limited=False)) as server:
        yield server


def settings_for(cobalt: SandboxServer) -> Settings:
    return Settings(cobalt_base_url=cobalt.url, cobalt_api_key=SecretStr("tk_sandbox"), cobalt_rate_per_second=0)


def call(cobalt: SandboxServer, method: str, path: str, account: str = "customer-7", **body: Any) -> None:
    headers = {"x-api-key": "tk_sandbox", "linked_account_id": account}
    url = f"{cobalt.url}{PUBLIC}/{path}"
    httpx.request(method, url, headers=headers, json=body, trust_env=False).raise_for_status()


def use(cobalt: SandboxServer) -> None:
    """Two accounts with secrets everywhere; the second has the config of Order Desk."""
    for account in ("customer-7", "other"):
        call(cobalt, "PUT", "linked-account", linked_account_id=account, name="Secret name", udf={"plan": "s3cret"})
    for slug in CONFIGURED:
        account = "other" if slug == "order_desk" else "customer-7"
        connection_id = cobalt.sandbox.connect(account, slug)
        which = {"slug": slug} if connection_id is None else {"slug": slug, "connection_id": connection_id}
        call(cobalt, "POST", "config", account, **which)
    call(cobalt, "POST", "config", slug="slack", config_id="second")
    for slug in IDENTIFIED:
        cobalt.sandbox.connect("other", slug)
    call(cobalt, "PUT", "config", slug="slack", fields={"mention": "s3cret"})
    call(cobalt, "PUT", "linked-account/integration/save-key-credentials/stripe", secret_key="s3cret")


def as_seen(application: Application) -> Application:
    """An application without what Cobalt's answers do not show: the grant, and what follows a rule's left side."""
    seen = application.model_dump(exclude={"grant", "auth_profiles"})
    for fields in (seen["fields"], *(workflow["fields"] for workflow in seen["workflows"])):
        for field in fields:
            field["rules"] = tuple({"name": rule["name"], "value": rule["value"]} for rule in field["rules"])
    if application.slug not in CONFIGURED:
        seen |= {"fields": (), "workflows": ()}
    if application.slug not in IDENTIFIED:
        seen["identifier"] = "string"
    return Application.model_validate(seen)


def test_what_is_imported_is_what_cobalt_shows_without_values_and_customers(
    cobalt: SandboxServer, tmp_path: Path
) -> None:
    use(cobalt)
    file = tmp_path / "own.toml"
    before = cobalt.sandbox.state(secrets=True)
    cobalt.sandbox.reset_ledger()
    imported = import_catalogue(settings_for(cobalt), file, linked_account_ids=[])

    read = read_catalogue(file).applications
    assert [each.model_copy(update={"auth_profiles": ()}) for each in read] == [
        as_seen(application) for application in bundled_catalogue().applications
    ]
    assert [each.auth_profiles[0].name for each in read if each.slug == "xero"] == ["Our app"]
    assert imported.slugs == tuple(each.slug for each in read)
    assert set(imported.slugs) - set(imported.without_fields) == set(CONFIGURED)
    assert [word for word in ("s3cret", "Secret name", "customer-7", "tk_sandbox") if word in file.read_text()] == []
    assert cobalt.sandbox.state(secrets=True) == before
    assert len(cobalt.sandbox.calls(route="read_config")) == len(CONFIGURED)
    assert {record.method for record in cobalt.sandbox.calls()} == {"GET"}


def test_a_named_account_is_the_only_one_that_is_looked_through(cobalt: SandboxServer, tmp_path: Path) -> None:
    use(cobalt)
    imported = import_catalogue(settings_for(cobalt), tmp_path / "own.toml", linked_account_ids=["other"])

    assert set(imported.slugs) - set(imported.without_fields) == {"order_desk"}
    assert [record.route for record in cobalt.sandbox.calls(route="list_accounts")] == []


def test_nothing_is_written_over_and_nothing_without_an_account(cobalt: SandboxServer, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    with pytest.raises(NotReady, match="this environment has none"):
        import_catalogue(settings_for(cobalt), file, linked_account_ids=[])
    with pytest.raises(UnknownAccount):
        import_catalogue(settings_for(cobalt), file, linked_account_ids=["customer-7"])
    assert not file.exists()
    use(cobalt)
    file.write_text("mine")
    with pytest.raises(NotReady, match="is there already"):
        import_catalogue(settings_for(cobalt), file, linked_account_ids=[])
    assert file.read_text() == "mine"


def test_a_config_is_read_though_its_application_is_not_connected(cobalt: SandboxServer, tmp_path: Path) -> None:
    call(cobalt, "PUT", "linked-account", linked_account_id="customer-7")
    call(cobalt, "POST", "config", slug="slack")
    imported = import_catalogue(settings_for(cobalt), tmp_path / "own.toml", linked_account_ids=[])

    assert "slack" in imported.slugs
    assert "slack" not in imported.without_fields


def test_the_command_says_what_it_wrote_and_what_it_left_out(tmp_path: Path) -> None:
    crm = {
        "slug": "crm",
        "name": "CRM",
        "auth": {"keybased": [{"name": "key", "label": "Key"}, {"name": "", "label": "Nameless"}]},
        "fields": [{"id": "stage", "name": "Stage", "field_type": "select", "options": [{"name": "A", "value": "a"}]}],
    }
    plain = {"slug": "plain", "name": "Plain", "auth": {"oauth2": []}}
    catalogue = Catalogue.model_validate({"application": [crm, plain]})
    with SandboxServer(Sandbox(rate_limited=False, catalogue=catalogue)) as cobalt:
        call(cobalt, "PUT", "linked-account", linked_account_id="customer-7")
        call(cobalt, "POST", "config", slug="crm", fields={"stage": "a"})
        variables = {"COBALT_BASE_URL": cobalt.url, "COBALT_API_KEY": "tk_sandbox", "COBALT_RATE_PER_SECOND": "0"}
        ended = Shell(tmp_path, variables).run("sandbox", "import", "own.toml", "--account", "customer-7")

    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.splitlines() == [
        "wrote 2 applications to own.toml: crm, plain",
        "without fields, since no account has a config of these: plain; name one that has with --account",
        "left out of crm: input 2 of keybased, which has no name",
        "serve it with: cobalt-mirror sandbox --catalogue own.toml",
    ]
    [read, _] = read_catalogue(tmp_path / "own.toml").applications
    assert [each.name for each in read.inputs("keybased")] == ["key"]
    assert [field.id for field in read.fields] == ["stage"]
