"""The page's HTML. Everything that is put in is escaped, unless a template says otherwise; none does."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cobalt_mirror.workers.web.page.cards import Card
from cobalt_mirror.workers.web.page.forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """What a host chooses of the page's appearance.

    Attributes:
        title: The heading of the page.
        home: Where the link back to the app leads; None: there is no link.
        stylesheet: The address of a stylesheet of the host's, loaded after the page's own.
    """

    title: str
    home: str | None
    stylesheet: str | None


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def render_page(appearance: Appearance, cards: Sequence[Card], *, nonce: str, digest: str, mark: str) -> str:
    """Return the page with all cards."""
    template = _environment().get_template("page.html")
    return template.render(appearance=appearance, cards=cards, nonce=nonce, digest=digest, mark=mark)


def render_card(card: Card) -> str:
    """Return one card."""
    return _environment().get_template("card.html").render(card=card)


def render_form(form: Form, *, name: str) -> str:
    """Return the form for the settings of the application of this name."""
    key = hashlib.sha256(f"{form.slug}\0{form.connection_id}".encode()).hexdigest()[:12]
    return _environment().get_template("form.html").render(form=form, name=name, key=key)


def render_signed_out(appearance: Appearance, *, nonce: str, digest: str) -> str:
    """Return the page for a visitor who is not signed in."""
    return _environment().get_template("signed_out.html").render(appearance=appearance, nonce=nonce, digest=digest)
