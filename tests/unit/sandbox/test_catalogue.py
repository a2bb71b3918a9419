"""A catalogue of one's own: read from TOML, written as TOML, and served."""

from pathlib import Path

import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from cobalt_mirror.cobalt.sandbox.catalogue import bundled_catalogue
from cobalt_mirror.cobalt.sandbox.catalogue_file import CatalogueError, catalogue_as_toml, read_catalogue
from cobalt_mirror.cobalt.sandbox.fields import HOLDS
from tests.unit.sandbox.conftest import CONFIG, PUBLIC, Api, TestClock, ok, refused

SMALLEST = """
[[application]]
slug = "acme_crm"
name = "Acme CRM"
auth.keybased = [{ name = "api_key", label = "Key", type = "password" }]
"""
OWN = f"""
events = ["deal_won"]
{SMALLEST}
app_id = "6a05d19680458c9a09e79c2e"
kind = "custom"
fields = [
  {{ id = "699fec7a5bd27ed2af7243ad", name = "Stage", field_type = "select", multiple = true, options = [
    {{ name = "A", value = "a" }},
  ] }},
  {{ id = "slot", name = "List", field_type = "list_deal_pipelines" }},
]
[[application.workflows]]
id = "699d8648a81ba363578cc2f4"
name = "Send deals"
fields = [{{ id = "since", name = "Since", field_type = "date", required = true }}]
"""


def file_with(folder: Path, text: str) -> Path:
    file = folder / "own.toml"
    file.write_text(text, "utf-8")
    return file


def test_an_input_shows_its_help_text_and_choices_if_it_has_any(tmp_path: Path, clock: TestClock) -> None:
    told = 'help_text = "Ask your admin.", options = [{ name = "EU", value = "eu" }]'
    inputs = f'auth.oauth2 = [{{ name = "region", label = "Region", type = "select", {told} }}]'
    api = Api(Sandbox(clock=clock, catalogue=read_catalogue(file_with(tmp_path, f"{SMALLEST}{inputs}"))), clock)
    api.upsert()

    shown = api.application("acme_crm")["auth_type_options"]
    always = {"name", "label", "type", "required", "placeholder"}
    assert [set(each) for each in shown["keybased"]] == [always]
    [region] = shown["oauth2"]
    assert set(region) == {*always, "help_text", "options"}
    assert (region["help_text"], region["options"]) == ("Ask your admin.", [{"name": "EU", "value": "eu"}])


def test_an_application_of_a_file_is_served(tmp_path: Path, clock: TestClock) -> None:
    sandbox = Sandbox(clock=clock, rate_limited=False, catalogue=read_catalogue(file_with(tmp_path, OWN)))
    api = Api(sandbox, clock)
    api.upsert()

    (shown,) = ok(api("GET", f"{PUBLIC}/application"))
    assert (shown["slug"], shown["app_id"], shown["type"]) == ("acme_crm", "6a05d19680458c9a09e79c2e", "custom")
    assert shown["auth_input_map"] == shown["auth_type_options"]["keybased"]
    ok(api("PUT", f"{PUBLIC}/linked-account/integration/save-key-credentials/acme_crm", json={"api_key": "k"}))
    config = ok(api("POST", CONFIG, json={"slug": "acme_crm"}))
    assert [(field["field_type"], field.get("multiple")) for field in config["fields"]] == [
        ("select", True),
        ("list_deal_pipelines", None),
    ]
    values = {"699fec7a5bd27ed2af7243ad": ["a"], "slot": {"any": ["value"]}}
    saved = ok(api("PUT", CONFIG, json={"slug": "acme_crm", "fields": values}))
    assert {field["id"]: field["value"] for field in saved["fields"]} == values
    assert refused(api("GET", f"{PUBLIC}/application/slack")) == (404, "EXTERNAL_API_FAILURE")
    ok(api("POST", f"{PUBLIC}/event/trigger", json={"event": "deal_won"}))
    assert refused(api("POST", f"{PUBLIC}/event/trigger", json={"event": "order_paid"})) == (404, "INVALID_EVENT")


@pytest.mark.parametrize("text", [SMALLEST, OWN, catalogue_as_toml(bundled_catalogue())], ids=["least", "own", "ours"])
def test_what_is_written_is_read_as_the_same(tmp_path: Path, text: str) -> None:
    read = read_catalogue(file_with(tmp_path, text))

    assert read_catalogue(file_with(tmp_path, catalogue_as_toml(read))) == read


def test_the_sandboxs_own_catalogue_has_every_field_type_that_it_knows() -> None:
    applications = bundled_catalogue().applications
    places = [application.fields for application in applications]
    places += [workflow.fields for application in applications for workflow in application.workflows]

    assert {field.field_type for fields in places for field in fields} == set(HOLDS)
    assert any(field.multiple for fields in places for field in fields)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "application: Field required"),
        ("application = []", "application: Tuple should have at least 1 item"),
        ("slack", "is no TOML"),
        (SMALLEST + "colour = 1", "application.0.colour: Extra inputs are not permitted"),
        (SMALLEST.replace('slug = "acme_crm"', ""), "application.0.slug: Field required"),
        (SMALLEST.replace("acme_crm", "a/b"), "application.0.slug: String should match"),
        (SMALLEST.replace("auth.keybased", "auth.magic"), "application.0.auth.magic"),
        (SMALLEST + SMALLEST, "there are two of application 'acme_crm'"),
        (SMALLEST + 'fields = [{ id = "a", name = "A" }]', "application.0.fields.0.field_type: Field required"),
        (OWN.replace('"slot"', '"699fec7a5bd27ed2af7243ad"'), "there are two of field '699fec7a5bd27ed2af7243ad'"),
        (OWN + OWN[OWN.index("[[application.workflows]]") :], "there are two of workflow"),
        (SMALLEST + 'kind = "magic"', "application.0.kind: Input should be 'native', 'custom'"),
    ],
)
def test_a_file_that_is_no_catalogue_is_named_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    file = file_with(tmp_path, text)

    with pytest.raises(CatalogueError) as raised:
        read_catalogue(file)
    assert str(file) in str(raised.value)
    assert said in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"nosuch\.toml cannot be read: No such file"):
        read_catalogue(tmp_path / "nosuch.toml")
