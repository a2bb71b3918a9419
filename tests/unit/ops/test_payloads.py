"""What of a payload an operator may see: a row for each place in which a secret can be."""

from typing import Any

import pytest

from cobalt_mirror.db.host_columns import Unreadable
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.workers.ops.payloads import MASK, show_payload
from tests.world import TEST_KEY

VAULT = Vault.from_keys(TEST_KEY)
#: What the forms that the mirror knows say of each field: whether it is a password.
FIELDS = {
    ("slack", None, "channel"): False,
    ("slack", None, "token"): True,
    ("slack", "w", "channel"): True,
    ("jira", None, "unknown"): False,
}


def sealed(value: Any, **more: Any) -> dict[str, Any]:
    return {**more, "sealed": VAULT.seal(value)}


#: The payload as it is stored, and as it is shown.
ROWS = [
    pytest.param({}, {}, id="nothing"),
    pytest.param({"name": "Acme", "udf": {"a": "b"}}, {"name": "Acme", "udf": {"a": "b"}}, id="a sign-up"),
    pytest.param({"auth_credentials": {"key": "x"}}, {"auth_credentials": {"key": MASK}}, id="credentials by hand"),
    pytest.param({"auth_credentials": "x"}, {"auth_credentials": MASK}, id="credentials that are a text"),
    pytest.param(sealed({"auth_credentials": {"k": "x"}}), {"auth_credentials": {"k": MASK}}, id="credentials"),
    pytest.param({"fields": {"channel": 1, "token": "x"}}, {"fields": {"channel": 1, "token": MASK}}, id="readable"),
    pytest.param({"fields": {"unknown": "x"}}, {"fields": {"unknown": "x"}}, id="readable, in no form"),
    pytest.param(
        sealed({"fields": {"channel": [1], "token": "x"}}, config_id="eu"),
        {"config_id": "eu", "fields": {"channel": [1], "token": MASK}},
        id="sealed",
    ),
    pytest.param(sealed({"fields": {"unknown": "x"}}), {"fields": {"unknown": MASK}}, id="sealed, in no form"),
    pytest.param(sealed({"fields": {"token": None}}), {"fields": {"token": None}}, id="a password that is cleared"),
    pytest.param(
        sealed(
            {"workflows": [{"id": "w", "enabled": True, "fields": {"channel": "x"}}, {"id": "v", "enabled": False}]}
        ),
        {"workflows": [{"id": "w", "enabled": True, "fields": {"channel": MASK}}, {"id": "v", "enabled": False}]},
        id="a password of a workflow",
    ),
    pytest.param(
        {"fields": ["x"], "workflows": {"x": 1}}, {"fields": ["x"], "workflows": {"x": 1}}, id="no form at all"
    ),
    pytest.param(["x"], ["x"], id="a list"),
    pytest.param(Unreadable("is not JSON"), "cannot be read: is not JSON", id="no JSON"),
]


@pytest.mark.parametrize(("payload", "shown"), ROWS)
def test_passwords_and_credentials_are_masked(payload: Any, shown: Any) -> None:
    assert show_payload(payload, slug="slack", fields=FIELDS, vault=VAULT) == shown


@pytest.mark.parametrize(
    ("keys", "reason"), [("", "MIRROR_SECRET_KEYS is not set"), (TEST_KEY[:-2] + "0=", "no key in MIRROR_SECRET_KEYS")]
)
def test_without_the_key_the_rest_is_shown(keys: str, reason: str) -> None:
    shown = show_payload(
        sealed({"fields": {"a": 1}}, config_id="eu"), slug="slack", fields={}, vault=Vault.from_keys(keys)
    )

    assert shown["config_id"] == "eu"
    assert shown["sealed"].startswith(f"cannot be read: {reason}")
    assert "fields" not in shown
