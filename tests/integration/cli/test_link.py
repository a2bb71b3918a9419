"""A link for an operator to send: printed in one line, or what to do first."""

import pytest

from cobalt_mirror.workers.reconnect import read_token
from cobalt_mirror.workers.settings import Settings
from tests.commands import Shell
from tests.world import TEST_KEY

KEYS, ADDRESS = {"MIRROR_SECRET_KEYS": TEST_KEY}, {"PUBLIC_URL": "https://mirror.example.com/"}


@pytest.mark.usefixtures("customer")
def test_a_link_is_one_line(mirror: Shell) -> None:
    ended = Shell(mirror.folder, {**mirror.variables, **KEYS, **ADDRESS}).run_here("link", "acme", "slack")

    assert (ended.status, ended.errors, ended.output.count("\n")) == (0, "", 1)
    base, _, token = ended.output.strip().rpartition("/")
    assert base == "https://mirror.example.com/reconnect"
    link = read_token(Settings(mirror_secret_keys=TEST_KEY), token)
    assert link is not None
    assert (link.linked_account_id, link.slug) == ("acme", "slack")


@pytest.mark.usefixtures("customer")
@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        (("acme",), KEYS, "PUBLIC_URL is not set; set it to the address"),
        (("acme",), ADDRESS, "MIRROR_SECRET_KEYS is not set"),
        (("acme",), KEYS | {"PUBLIC_URL": "mirror"}, "PUBLIC_URL: must be an address"),
        (("nobody",), KEYS | ADDRESS, "no account 'nobody' in the mirror"),
        (("acme", "slakc"), KEYS | ADDRESS, "neither the catalogue nor the mirror has an application 'slakc'"),
    ],
)
def test_what_is_missing_is_said(
    mirror: Shell, arguments: tuple[str, ...], variables: dict[str, str], sentence: str
) -> None:
    unset = {"PUBLIC_URL": "", "MIRROR_SECRET_KEYS": ""}
    ended = Shell(mirror.folder, {**mirror.variables, **unset, **variables}).run_here("link", *arguments)

    assert (ended.status, ended.output, ended.errors.count("\n")) == (1, "", 1)
    assert sentence in ended.errors
