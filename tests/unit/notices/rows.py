"""Notices as the functions that decide about them get them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cobalt_mirror.db.notices import NoticeRow
from cobalt_mirror.db.statuses import ChangeType

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def notice(type_: ChangeType = ChangeType.CONNECTION_REAUTH_REQUIRED, **changes: Any) -> NoticeRow:
    row = NoticeRow(
        receiver="default",
        position=10,
        id="msg_1",
        type=type_,
        recorded_at=NOON,
        linked_account_id="acme",
        slug="slack",
        connection_id=None,
        auth_type="oauth2",
        attempts=0,
        told=False,
    )
    return replace(row, **changes)
