"""Reconnect links: what their tokens say, which of them open, and with which settings there are any."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet

from cobalt_mirror.db import MirroredConfig
from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.statuses import ConfigStatus
from cobalt_mirror.workers.reconnect import ReconnectLink, read_token, reconnect_link, require_link
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.reconnect_endpoint import EXPIRED, GONE, Refusal, find_config_id, find_refusal

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXPIRES = NOW + timedelta(days=14)
BASE = "https://mirror.example.com"


def settings(keys: str = NEW, **more: Any) -> Settings:
    return Settings(mirror_secret_keys=keys, **{"public_url": BASE, **more})


def token(keys: str = NEW, account: str = "acme", slug: str | None = "slack") -> str:
    link = reconnect_link(settings(keys), account, slug, now=NOW)
    assert link is not None
    base, _, made = link.rpartition("/")
    assert base == f"{BASE}/reconnect"
    return made


@pytest.mark.parametrize("account", ["acme", "a/b?c#d é", "\u2028", "x" * 255])
@pytest.mark.parametrize("slug", ["slack", None])
def test_a_token_says_whose_link_it_is_and_fits_a_path(account: str, slug: str | None) -> None:
    made = token(account=account, slug=slug)

    assert read_token(settings(), made) == ReconnectLink(
        linked_account_id=account, slug=slug, made_at=NOW, expires_at=EXPIRES
    )
    assert set(made) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_token_shows_no_id_and_two_of_the_same_link_are_different() -> None:
    assert "acme" not in token()
    assert token() != token()


@pytest.mark.parametrize(
    ("made", "keys", "opens"),
    [
        pytest.param(token(NEW), NEW, True, id="its only key"),
        pytest.param(token(OLD), f"{NEW},{OLD}", True, id="the second key"),
        pytest.param(token(OLD), f"{OLD},{NEW}", True, id="the first of two"),
        pytest.param(token(OLD), NEW, False, id="a key that is gone"),
        pytest.param(token(NEW), OTHER, False, id="another key"),
        pytest.param(token(NEW), "", False, id="no key"),
        pytest.param(token(NEW)[:-1], NEW, False, id="the end is missing"),
        pytest.param(token(NEW)[1:], NEW, False, id="the beginning is missing"),
        pytest.param(token(NEW) + "A", NEW, False, id="a letter too many"),
        pytest.param(token(NEW).swapcase(), NEW, False, id="other letters"),
        pytest.param(settings().vault().seal(["acme", "slack", 2**32]), NEW, False, id="a value of an event"),
        pytest.param("", NEW, False, id="nothing"),
        pytest.param("é\ud800", NEW, False, id="no text"),
    ],
)
def test_a_token_opens_with_the_key_that_sealed_it_and_untouched(made: str, keys: str, *, opens: bool) -> None:
    assert (read_token(settings(keys), made) is not None) is opens


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("is_gone", "deleted_at", "now", "refusal"),
    [
        (False, None, NOW, None),
        (False, None, EXPIRES - SECOND, None),
        (False, None, EXPIRES, EXPIRED),
        (False, None, EXPIRES + SECOND, EXPIRED),
        (True, None, NOW, GONE),
        (True, None, EXPIRES, EXPIRED),
        (False, NOW - SECOND, NOW, None),  # it was made for who signed up since
        (False, NOW, NOW, GONE),
        (False, NOW + SECOND, NOW + 2 * SECOND, GONE),
    ],
)
def test_a_link_opens_until_it_expires_and_while_the_account_is_there_for_which_it_was_made(
    is_gone: bool, deleted_at: datetime | None, now: datetime, refusal: Refusal | None
) -> None:
    link = ReconnectLink(linked_account_id="acme", slug="slack", made_at=NOW, expires_at=EXPIRES)

    assert find_refusal(link, is_gone=is_gone, deleted_at=deleted_at, now=now) == refusal


def config(config_id: str, *, slug: str = "slack", connection_id: str = "", is_there: bool = True) -> MirroredConfig:
    return MirroredConfig(
        linked_account_id="acme",
        slug=slug,
        config_id=config_id,
        connection_id=connection_id,
        fields={},
        workflows=[],
        schema={},
        field_errors=[],
        status=ConfigStatus.INSTALLED if is_there else ConfigStatus.DELETED,
        verified_at=None,
    )


@pytest.mark.parametrize(
    ("configs", "slug", "config_id"),
    [
        ([], "slack", None),
        ([config("one")], "slack", "one"),
        ([config("one")], None, None),
        ([config("one"), config("two")], "slack", None),
        ([config("one", connection_id="a"), config("one", connection_id="b")], "slack", "one"),
        ([config("one"), config("two", is_there=False), config("three", slug="jira")], "slack", "one"),
        ([config("two", is_there=False)], "slack", None),
    ],
)
def test_the_page_sets_up_the_config_of_the_application_if_there_is_one_alone(
    configs: list[MirroredConfig], slug: str | None, config_id: str | None
) -> None:
    link = ReconnectLink(linked_account_id="acme", slug=slug, made_at=NOW, expires_at=EXPIRES)

    assert find_config_id(link, configs) == config_id


@pytest.mark.parametrize(
    ("missing", "variable"), [({"public_url": None}, "PUBLIC_URL"), ({"mirror_secret_keys": ""}, "MIRROR_SECRET_KEYS")]
)
def test_without_an_address_or_a_key_there_is_no_link(missing: dict[str, Any], variable: str) -> None:
    lacking = Settings(**{"public_url": BASE, "mirror_secret_keys": NEW} | missing)

    assert reconnect_link(lacking, "acme", "slack") is None
    with pytest.raises(BadSetting, match=f"^{variable} is not set"):
        require_link(lacking, "acme")


def test_a_link_opens_for_as_many_days_as_the_setting_says() -> None:
    made = reconnect_link(settings(reconnect_link_days=0.5), "acme", None, now=NOW)

    assert made is not None
    link = read_token(settings(), made.rpartition("/")[2])
    assert link is not None
    assert link.expires_at == NOW + timedelta(hours=12)
