"""Reconnect links: addresses for a mail or a page, with which a customer connects again.

A link is `PUBLIC_URL/reconnect/TOKEN`. The token says whose link it is, when it was made and until when it opens,
sealed: who reads it in an access log learns no id, and cannot make another. `cobalt-mirror web` makes Cobalt's connect
page when it is opened, so that a link may be days old. Keys of their own, made from `MIRROR_SECRET_KEYS`, seal the
tokens, so nothing that is stored passes for one. No token is stored, so `secrets status` counts none: a link ends with
its key.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cobalt_mirror.db.errors import BadSetting, CannotUnseal
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.workers.settings import Settings

PATH = "/reconnect"
_PURPOSE = "reconnect links"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconnectLink:
    """What a token says.

    Attributes:
        linked_account_id: whose link it is.
        slug: the application that is to be connected again; None: any.
        made_at: when it was made; it is not for who has the same id after a deletion.
        expires_at: from then on it does not open any more.
    """

    linked_account_id: str
    slug: str | None
    made_at: datetime
    expires_at: datetime


def reconnect_link(
    settings: Settings, linked_account_id: str, slug: str | None = None, *, now: datetime | None = None
) -> str | None:
    """Return an address at which a customer connects again; None: PUBLIC_URL or MIRROR_SECRET_KEYS is not set.

    Args:
        settings: The settings in force.
        linked_account_id: The host's id of the account.
        slug: The application that is to be connected again; None: any.
        now: The time from which it opens for `RECONNECT_LINK_DAYS`. Default: this machine's.
    """
    if settings.public_url is None or not settings.vault():
        return None
    return require_link(settings, linked_account_id, slug, now=now)


def require_link(
    settings: Settings, linked_account_id: str, slug: str | None = None, *, now: datetime | None = None
) -> str:
    """Return the same address; arguments as for `reconnect_link`.

    Raises:
        BadSetting: PUBLIC_URL or MIRROR_SECRET_KEYS is not set. Set it.
    """
    if settings.public_url is None:
        raise BadSetting(
            "PUBLIC_URL is not set; set it to the address at which customers reach `cobalt-mirror web`, "
            "such as https://mirror.example.com"
        )
    if not settings.vault():
        raise BadSetting("MIRROR_SECRET_KEYS is not set, so no reconnect link can be sealed; set it to a Fernet key")
    made_at = datetime.now(UTC) if now is None else now
    expires_at = made_at + timedelta(days=settings.reconnect_link_days)
    times = [int(made_at.timestamp()), int(expires_at.timestamp())]
    token = _vault(settings).seal([linked_account_id, slug, *times])
    return f"{settings.public_url}{PATH}/{token.rstrip('=')}"


def read_token(settings: Settings, token: str) -> ReconnectLink | None:
    """Return what a token says, whether it has expired or not; None: no key in MIRROR_SECRET_KEYS sealed it."""
    try:
        said = _vault(settings).unseal(token + "=" * (-len(token) % 4))
    except CannotUnseal:
        return None
    linked_account_id, slug, *times = said
    made_at, expires_at = (datetime.fromtimestamp(each, UTC) for each in times)
    return ReconnectLink(linked_account_id=linked_account_id, slug=slug, made_at=made_at, expires_at=expires_at)


def _vault(settings: Settings) -> Vault:
    return settings.vault().derived(_PURPOSE)
