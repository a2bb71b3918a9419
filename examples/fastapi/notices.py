"""Receives notices: webhooks that are signed as Standard Webhooks has it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from .users import ReceivedNotice, User


def read_notice(secret: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """Return a notice, if its signature is right and it is not older than five minutes.

    Raises:
        WebhookVerificationError: it is not from the mirror, or was changed on its way.
    """
    notice: dict[str, Any] = Webhook(secret).verify(body, headers)
    return notice


def keep_notice(session: Session, notice: dict[str, Any]) -> None:
    """Keep a notice, unless it is here already. A real app would now write to the customer."""
    if session.get(ReceivedNotice, notice["id"]) is not None:
        return
    data = notice["data"]
    session.add(
        ReceivedNotice(
            id=notice["id"],
            user_id=(data.get("account") or {}).get("id"),
            type=notice["type"],
            slug=data.get("slug"),
            reconnect_url=data.get("reconnect_url"),
        )
    )


def list_notices(session: Session, user: User, *, limit: int = 20) -> Sequence[ReceivedNotice]:
    """List the latest notices about a user, newest first."""
    mine = select(ReceivedNotice).where(ReceivedNotice.user_id == user.id)
    return session.scalars(mine.order_by(ReceivedNotice.received_at.desc()).limit(limit)).all()
