"""The endpoints that get notices, as the settings have them: each with a URL, its secrets and the types it wants."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field, SecretStr, field_validator

from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.statuses import ChangeType
from cobalt_mirror.workers.web_addresses import is_web_address, origin_of

#: The name of the endpoint at NOTICES_URL.
DEFAULT = "default"
#: What an endpoint gets by default: what somebody has to act on, and that it is over.
DEFAULT_TYPES = (
    ChangeType.CONNECTION_REAUTH_REQUIRED,
    ChangeType.CONNECTION_RECOVERED,
    ChangeType.CONFIG_NEEDS_ATTENTION,
    ChangeType.ACCOUNT_MISSING,
    ChangeType.EVENT_DEAD,
    ChangeType.WORK_HALTED,
    ChangeType.WORK_RESUMED,
)
#: The prefix of a secret of Standard Webhooks, and how many bytes it has.
SECRET_PREFIX, _SECRET_BYTES = "whsec_", range(24, 65)
_KEYS = {"url", "secret", "types"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint. Its URL may have a secret in its path, so only `origin` is for messages.

    Attributes:
        name: its name.
        url: where it is.
        secrets: the keys that sign: two, while the host changes from one to the other.
        types: the types of entries that it wants.
    """

    name: str
    url: str = field(repr=False)
    secrets: tuple[bytes, ...] = field(repr=False)
    types: frozenset[ChangeType]

    @property
    def origin(self) -> str:
        """Scheme, host and port of the URL, which are no secret."""
        return origin_of(self.url)


def words_of(text: str) -> list[str]:
    """Return the words of a setting that has several, between white space or commas."""
    return re.split(r"[\s,]+", text.strip(" \t\r\n,")) if text.strip(" \t\r\n,") else []


def read_url(text: str) -> str:
    """Check a URL.

    Raises:
        ValueError: It cannot be used. The text does not show it.
    """
    if not is_web_address(text) or not text.isascii():
        raise ValueError("must be one URL such as https://app.example.com/notices; NOTICES_ENDPOINTS has several")
    if "@" in text:  # in the path, it may be of a password whose beginning was read as a port
        raise ValueError("must have no user, no password and no @ (%40 in a path): the signature shows who sends")
    return text


def read_secrets(text: str) -> tuple[bytes, ...]:
    """Return the keys in one or two secrets.

    Raises:
        ValueError: They cannot be used. The text does not show them.
    """
    words = words_of(text)
    if len(words) > 2:
        raise ValueError("must be one secret, or two while you change it")
    return tuple(_key(word) for word in words)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET_PREFIX) or len(key) not in _SECRET_BYTES:
        raise ValueError(
            'must be whsec_ and the base64 of 24 to 64 random bytes: echo "whsec_$(openssl rand -base64 24)"'
        )
    return key


def read_types(text: str) -> frozenset[ChangeType]:
    """Return the types that a setting names; `*` is all of them, and an empty text the default.

    Raises:
        ValueError: It names a type that there is not.
    """
    words = words_of(text)
    if words == ["*"]:
        return frozenset(ChangeType)
    unknown = [word for word in words if word not in set(ChangeType)]
    if unknown:
        raise ValueError(f"{unknown[0][:50]!r} is no type of change; must be * or some of {', '.join(ChangeType)}")
    return frozenset(map(ChangeType, words)) or frozenset(DEFAULT_TYPES)


def read_endpoints(text: str) -> tuple[Endpoint, ...]:
    """Return the endpoints in a JSON object: a name, and an object with `url`, `secret` and perhaps `types`, of each.

    Raises:
        ValueError: It cannot be used. The text shows no URL and no secret.
    """
    if not text:
        return ()
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise ValueError(
            'must be JSON such as {"crm": {"url": "https://…", "secret": "whsec_…", "types": "event.dead"}}'
        )
    return tuple(_endpoint(name, each) for name, each in value.items())


def _endpoint(name: str, value: Mapping[str, Any]) -> Endpoint:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name) or name == DEFAULT:
        raise ValueError(
            f"{name[:64]!r} must be a name of lower-case letters, digits, - and _, but not {DEFAULT}, as NOTICES_URL is"
        )
    if not {"url", "secret"} <= value.keys() <= _KEYS or not all(isinstance(each, str) for each in value.values()):
        raise ValueError(f"{name} must have texts url, secret and perhaps types, and nothing else")
    try:
        endpoint = make_endpoint(name, value["url"], value["secret"], value.get("types", ""))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if not endpoint.secrets:
        raise ValueError(f"{name}: secret is empty")
    return endpoint


def make_endpoint(name: str, url: str, secret: str, types: str) -> Endpoint:
    """Return an endpoint of what settings say.

    Raises:
        ValueError: They cannot be used.
    """
    return Endpoint(name=name, url=read_url(url), secrets=read_secrets(secret), types=read_types(types))


class NoticeSettings(DatabaseSettings):
    """The settings of notices.

    Attributes:
        notices_url: Where notices are sent as webhooks; if not set, nowhere.
        notices_secret: The secret that signs them, `whsec_...`; two while it is being changed.
        notices_types: The types of changes that are sent there, or `*`; if not set, those that somebody has to act on.
        notices_endpoints: More endpoints as JSON: an object of names, each with `url`, `secret` and `types`.
        notices_settle_seconds: Seconds that a connection has to fail before a notice of that is sent.
        notices_allow_private_addresses: Whether notices may go to addresses that are not public, and without TLS.
        handlers_module: Modules of the host with handlers of notices, which each worker imports.
    """

    notices_url: str | None = Field(default=None, repr=False)
    notices_secret: SecretStr = SecretStr("")
    notices_types: str | None = None
    notices_endpoints: SecretStr = SecretStr("")
    notices_settle_seconds: float = Field(default=600, ge=0, le=7 * 86_400)
    notices_allow_private_addresses: bool = False
    handlers_module: str | None = None

    @field_validator("notices_url")
    @classmethod
    def _is_an_endpoint(cls, value: str | None) -> str | None:
        return None if value is None else read_url(value)

    @field_validator("notices_secret")
    @classmethod
    def _are_secrets(cls, value: SecretStr) -> SecretStr:
        read_secrets(value.get_secret_value())
        return value

    @field_validator("notices_types")
    @classmethod
    def _are_types(cls, value: str | None) -> str | None:
        read_types(value or "")
        return value

    @field_validator("notices_endpoints")
    @classmethod
    def _are_endpoints(cls, value: SecretStr) -> SecretStr:
        read_endpoints(value.get_secret_value())
        return value

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the endpoints that get notices.

        Raises:
            BadSetting: One has no secret, or no TLS. Set it, or allow that.
        """
        endpoints = read_endpoints(self.notices_endpoints.get_secret_value())
        if self.notices_url is not None:
            secret, types = self.notices_secret.get_secret_value(), self.notices_types or ""
            endpoints = (make_endpoint(DEFAULT, self.notices_url, secret, types), *endpoints)
        for endpoint in endpoints:
            if not endpoint.secrets:
                raise BadSetting("NOTICES_SECRET is not set, and NOTICES_URL is; set it to the secret that signs them")
            if endpoint.origin.startswith("http://") and not self.notices_allow_private_addresses:
                raise BadSetting(
                    f"notices to {endpoint.origin} would be sent in clear; use https://, or for a server of your own "
                    "network set NOTICES_ALLOW_PRIVATE_ADDRESSES=true"
                )
        return endpoints
