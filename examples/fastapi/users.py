"""The app's own tables: its users, and the notices that it has received."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import DateTime, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """The tables of the app; those of the mirror are none of its business."""


class User(Base):
    """A user. Each is a customer of their own here, so the user's id is the linked account's id."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid4()))
    email: Mapped[str] = mapped_column(unique=True)
    company: Mapped[str]
    password_salt: Mapped[str]
    password_hash: Mapped[str]


class ReceivedNotice(Base):
    """A notice. A sender may send it twice; it has the same id then."""

    __tablename__ = "received_notices"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str | None] = mapped_column(index=True)
    type: Mapped[str]
    slug: Mapped[str | None]
    reconnect_url: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))


def new_user(email: str, company: str, password: str) -> User:
    """Return a user who is not saved yet."""
    salt = secrets.token_hex(16)
    return User(email=email.lower(), company=company, password_salt=salt, password_hash=_hash(password, salt))


def find_user(session: Session, email: str, password: str) -> User | None:
    """Find the user with this address and password."""
    user = session.scalar(select(User).where(User.email == email.lower()))
    if user is None or not hmac.compare_digest(user.password_hash, _hash(password, user.password_salt)):
        return None
    return user


def _hash(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1).hex()
