"""The page's HTML: everything is escaped, every control has a label, and nothing runs inline."""

from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from cobalt_mirror.db.reads.integrations import State
from cobalt_mirror.workers.web.page.cards import Card, KeyInput, Link, Way
from cobalt_mirror.workers.web.page.forms import Form, Input, Kind, Option, Part
from cobalt_mirror.workers.web.page.rendering import (
    Appearance,
    render_card,
    render_form,
    render_page,
    render_signed_out,
)

HOSTILE = "<img src=x onerror=alert(1)>\"'&"
APPEARANCE = Appearance(title=HOSTILE, home="/", stylesheet="/brand.css")
TYPED = KeyInput(name=HOSTILE, label=HOSTILE, placeholder=HOSTILE, is_secret=True)
OPTIONAL = KeyInput(name="b", label="B", is_required=False)
CARD = Card(
    slug=HOSTILE,
    name=HOSTILE,
    icon="https://icons.example/" + HOSTILE,
    description=HOSTILE,
    state=State.CONNECTED,
    ways=[
        Way(auth_type="oauth2"),
        Way(auth_type="keybased", inputs=[TYPED, KeyInput(name="b", label="B", is_required=False)]),
    ],
    links=[
        Link(connection_id=HOSTILE, name=HOSTILE, auth_type="oauth2", is_expired=True),
        Link(connection_id="2", name=None, auth_type="keybased", is_expired=True),
    ],
    is_pending=False,
    problem=HOSTILE,
    faults=1,
)
FORM = Form(
    slug=HOSTILE,
    connection_id=HOSTILE,
    parts=[
        Part(
            workflow_id=workflow_id,
            name=HOSTILE,
            inputs=[
                Input(
                    id=f"{HOSTILE}{kind}",
                    name=HOSTILE,
                    kind=kind,
                    help_text=HOSTILE,
                    placeholder=HOSTILE,
                    options=[Option(name=HOSTILE, value=HOSTILE)],
                    value=[HOSTILE] if kind in {Kind.CHOICES, Kind.LINES} else HOSTILE,
                    errors=[HOSTILE],
                )
                for kind in Kind
            ],
        )
        for workflow_id in (None, HOSTILE)
    ],
)


class Elements(HTMLParser):
    """The elements of a page, as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.labelled: set[str | None] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "label":
            self.labelled.add(attributes.get("for"))
        if tag == "input" and "label" in self.inside:
            self.labelled.add(attributes.get("id", "inside"))
            attributes.setdefault("id", "inside")
        self.found.append((tag, attributes))
        if tag not in {"input", "img", "meta", "link"}:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass


def everything() -> list[Elements]:
    page = render_page(
        APPEARANCE, [CARD, replace(CARD, slug="other", is_pending=True)], nonce="n", digest="d", mark="m"
    )
    signed_out = render_signed_out(APPEARANCE, nonce="n", digest="d")
    return [Elements(html) for html in (page, render_form(FORM, name=HOSTILE), signed_out)]


def test_nothing_that_comes_from_elsewhere_becomes_an_element_or_a_handler() -> None:
    for elements in everything():
        tags = Counter(tag for tag, _ in elements.found)
        assert tags["img"] in {0, 2}  # the icons
        assert tags["script"] in {0, 1}
        names = {name for _, attributes in elements.found for name in attributes}
        assert not {name for name in names if name.startswith("on") or name == "style"}


def test_every_control_has_a_label_and_every_id_is_there_once() -> None:
    for elements in everything():
        ids = [str(attributes["id"]) for _, attributes in elements.found if attributes.get("id", "inside") != "inside"]
        assert len(ids) == len(set(ids))
        controls = [each for tag, each in elements.found if tag in {"input", "select", "textarea"}]
        assert {each.get("id") for each in controls} <= elements.labelled
        references = [each for tag, attributes in elements.found for each in references_of(attributes)]
        assert set(references) <= set(ids)


def references_of(attributes: dict[str, Any]) -> list[str]:
    names = ("aria-describedby", "aria-labelledby", "aria-controls", "for")
    return [each for name in names for each in (attributes.get(name) or "").split()]


def test_a_password_is_never_in_the_form() -> None:
    shown = render_form(FORM, name="x")
    passwords = [each for tag, each in Elements(shown).found if tag == "input" and each.get("type") == "password"]

    assert len(passwords) == 2
    assert all("value" not in each for each in passwords)


def test_a_card_offers_what_its_state_allows() -> None:
    def actions(card: Card) -> list[tuple[str | None, str | None]]:
        buttons = [each for tag, each in Elements(render_card(card)).found if tag == "button" and "data-action" in each]
        return [(each["data-action"], each.get("data-auth-type")) for each in buttons]

    single = replace(CARD, links=[Link(connection_id="", name="Ann", auth_type="oauth2", is_expired=True)])
    connect: list[tuple[str | None, str | None]] = [("connect", "oauth2"), ("open-key-form", None)]
    manage: list[tuple[str | None, str | None]] = [("configure", None), ("disconnect", None)]
    assert actions(replace(single, state=State.CONNECT, links=[])) == connect
    assert actions(single) == manage
    assert actions(replace(single, state=State.RECONNECT)) == [("connect", "oauth2"), *manage]
    assert actions(CARD) == [connect[0], *manage, connect[1], *manage, *connect]  # both again, or another one
