"""What a notice says, and the body of its webhook."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.notices import Content, NoticeRow
from cobalt_mirror.db.statuses import ChangeType

#: The longest text of a name or a reason in a body, in characters.
_LONGEST_TEXT = 1_000
#: The size from which on a body leaves out the user-defined fields, in bytes: what else is in it is far smaller.
_LARGEST_BODY = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The customer that a notice is about, as the mirror has it now.

    Attributes:
        id: your id of the account.
        name: its name.
        udf: its user-defined fields.
    """

    id: str
    name: str | None
    udf: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that happened, for somebody to act on.

    Attributes:
        id: the same for each attempt.
        type: what happened.
        recorded_at: when the mirror learned of it.
        position: the position in the change feed.
        account: the customer; None: it is about all of them.
        slug: the application; None: it is about the account itself.
        connection_id: the connection, where the application holds several.
        config_id: the config.
        since: since when the connection fails or failed, or the work is or was halted.
        reason: why.
        reconnect_url: a reconnect link; None: there is none.
        data: what changed, as the change feed has it. It is not in webhooks.
    """

    id: str
    type: ChangeType
    recorded_at: datetime
    position: int
    account: Account | None
    slug: str | None
    connection_id: str | None
    config_id: str | None
    since: str | None
    reason: str | None
    reconnect_url: str | None = field(repr=False)
    data: Mapping[str, Any]


def make_notice(row: NoticeRow, content: Content, *, reconnect_url: str | None) -> Notice:
    """Return a notice, as the feed and the mirror have it now."""
    account = None
    if row.linked_account_id is not None:
        account = Account(id=row.linked_account_id, name=content.name, udf=content.udf)
    reason = content.data.get("reason")
    return Notice(
        id=row.id,
        type=row.type,
        recorded_at=row.recorded_at,
        position=row.position,
        account=account,
        slug=row.slug,
        connection_id=row.connection_id,
        config_id=content.config_id,
        since=_since(row, content),
        reason=reason if isinstance(reason, str) else None,
        reconnect_url=reconnect_url,
        data=content.data,
    )


def _since(row: NoticeRow, content: Content) -> str | None:
    if row.type in {ChangeType.CONNECTION_REAUTH_REQUIRED, ChangeType.WORK_HALTED}:
        return stored_time(row.recorded_at)
    since = content.data.get("since")
    return since if isinstance(since, str) else None


def make_body(notice: Notice) -> bytes:
    """Return the body of the webhook: JSON, always under 20 kB."""
    body = _write(notice, udf=None if notice.account is None else notice.account.udf)
    return body if len(body) <= _LARGEST_BODY else _write(notice, udf=None)


def _write(notice: Notice, *, udf: Mapping[str, Any] | None) -> bytes:
    account = None
    if notice.account is not None:
        account = {"id": notice.account.id, "name": _cut(notice.account.name), "udf": udf}
    data = {
        "account": account,
        "slug": notice.slug,
        "connection_id": notice.connection_id,
        "config_id": notice.config_id,
        "since": notice.since,
        "reason": _cut(notice.reason),
        "reconnect_url": notice.reconnect_url,
        "position": notice.position,
    }
    message = {"type": notice.type, "id": notice.id, "timestamp": stored_time(notice.recorded_at), "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
