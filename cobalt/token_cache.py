"""Session tokens in hand, so that a busy page does not mint one for every request."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from cobalt_mirror.cobalt.models import SessionToken

LARGEST_CACHE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    token: SessionToken
    minted_at: datetime


class TokenCache:
    """The latest tokens by linked account, at most `capacity`; safe to share between threads.

    A token that was asked for before a `drop` and arrives after it is not kept: it may be the one that was revoked.
    """

    def __init__(self, capacity: int = LARGEST_CACHE) -> None:
        """Start empty."""
        self._capacity = capacity
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._drops = 0
        self._lock = Lock()

    def find(
        self, linked_account_id: str, *, now: datetime, reuse_for: timedelta, min_left: timedelta
    ) -> SessionToken | None:
        """Return a token minted at most `reuse_for` ago that lives `min_left` more, or None."""
        with self._lock:
            kept = self._kept.get(linked_account_id)
            if kept is None:
                return None
            # A clock that was set back makes the age negative: that proves nothing fresh.
            is_fresh = timedelta(0) <= now - kept.minted_at <= reuse_for
            return kept.token if is_fresh and kept.token.expires_at - now >= min_left else None

    def mark(self) -> int:
        """Return what `keep` wants to be told: taken before a token is asked for."""
        with self._lock:
            return self._drops

    def keep(self, linked_account_id: str, token: SessionToken, *, minted_at: datetime, mark: int) -> None:
        """Keep a token, unless something was dropped since `mark`; the one kept longest makes room."""
        with self._lock:
            if mark != self._drops:
                return
            self._kept[linked_account_id] = _Kept(token=token, minted_at=minted_at)
            self._kept.move_to_end(linked_account_id)
            if len(self._kept) > self._capacity:
                self._kept.popitem(last=False)

    def drop(self, linked_account_id: str) -> None:
        """Forget the account's token."""
        with self._lock:
            self._drops += 1
            self._kept.pop(linked_account_id, None)

    def drop_token(self, token: str) -> None:
        """Forget this token, whosever it is."""
        with self._lock:
            self._drops += 1
            for linked_account_id in [key for key, kept in self._kept.items() if kept.token.token == token]:
                del self._kept[linked_account_id]
