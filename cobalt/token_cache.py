"""A cache of session tokens, so that a busy page does not mint one for every request."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from cobalt_mirror.cobalt.forks import renew_in_children
from cobalt_mirror.cobalt.models import SessionToken

LARGEST_CACHE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    token: SessionToken
    minted_at: datetime


class TokenCache:
    """The latest tokens by linked account, at most `capacity`; safe to share between threads.

    A token that was requested before a `drop` and arrives after it is not kept: it may be the one that was revoked.
    """

    def __init__(self, capacity: int = LARGEST_CACHE) -> None:
        """Start empty."""
        self._capacity = capacity
        self._drops = 0
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Start empty in a forked child. A thread that is not in the child may have held the lock."""
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = Lock()

    def find(
        self, linked_account_id: str, *, now: datetime, reuse_for: timedelta, min_left: timedelta
    ) -> SessionToken | None:
        """Return a token that is at most `reuse_for` old and valid for `min_left` more, or None."""
        with self._lock:
            kept = self._kept.get(linked_account_id)
            if kept is None:
                return None
            # If the clock was set back, the age is negative and proves nothing.
            is_fresh = timedelta(0) <= now - kept.minted_at <= reuse_for
            return kept.token if is_fresh and kept.token.expires_at - now >= min_left else None

    def mark(self) -> int:
        """Return a mark for `keep`; call it before requesting a token."""
        with self._lock:
            return self._drops

    def keep(self, linked_account_id: str, token: SessionToken, *, minted_at: datetime, mark: int) -> None:
        """Keep a token, unless one was dropped since `mark`; if the cache is full, the oldest token is removed."""
        with self._lock:
            if mark != self._drops:
                return
            self._kept[linked_account_id] = _Kept(token=token, minted_at=minted_at)
            self._kept.move_to_end(linked_account_id)
            if len(self._kept) > self._capacity:
                self._kept.popitem(last=False)

    def drop(self, linked_account_id: str) -> None:
        """Remove the account's token."""
        with self._lock:
            self._drops += 1
            self._kept.pop(linked_account_id, None)

    def drop_token(self, token: str) -> None:
        """Remove this token, whichever account it belongs to."""
        with self._lock:
            self._drops += 1
            for linked_account_id in [key for key, kept in self._kept.items() if kept.token.token == token]:
                del self._kept[linked_account_id]
