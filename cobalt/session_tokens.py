"""Session tokens: for the browser SDK, and for acting on an account whose id no header can carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from cobalt_mirror.cobalt.accounts import Accounts
from cobalt_mirror.cobalt.call import Call
from cobalt_mirror.cobalt.deadline import Deadline
from cobalt_mirror.cobalt.errors import KeyRefused, UnknownAccount
from cobalt_mirror.cobalt.exchange import Exchange
from cobalt_mirror.cobalt.identifiers import checked, fits_header
from cobalt_mirror.cobalt.models import SessionToken
from cobalt_mirror.cobalt.organisation import without_none
from cobalt_mirror.cobalt.revocations import Revocations
from cobalt_mirror.cobalt.token_cache import TokenCache

T = TypeVar("T")

REUSE_FOR = timedelta(minutes=5)
MIN_LEFT = timedelta(hours=1)
# For our own calls a minute is plenty. Asking for an hour would, at a service whose tokens live for less, refresh by
# force on every call, and so end tokens that browsers are using.
_MIN_LEFT_FOR_A_CALL = timedelta(minutes=1)
_PATH = "/api/v2/public/session-token"


class _Minted(BaseModel):
    """A token as Cobalt answers it: lifetimes in seconds."""

    model_config = ConfigDict(hide_input_in_errors=True)

    token: str = Field(pattern=r"^[!-~]+$")  # it must fit a header
    refresh_token: str | None = None
    expires_in: float
    refresh_expires_in: float | None = None

    def at(self, moment: datetime) -> SessionToken:
        lasting = self.refresh_expires_in
        return SessionToken(
            token=self.token,
            refresh_token=self.refresh_token,
            expires_at=moment + timedelta(seconds=self.expires_in),
            refresh_expires_at=None if lasting is None else moment + timedelta(seconds=lasting),
        )


class _Revoked(BaseModel):
    revoked_count: int


_MINTED = TypeAdapter(_Minted)
_REVOKED = TypeAdapter(_Revoked)


class SessionTokens(Accounts):
    """Minting, reusing and revoking session tokens, and calls that act on one account."""

    def __init__(
        self,
        api_key: str,
        exchange: Exchange,
        tokens: TokenCache,
        clock: Callable[[], datetime],
        revocations: Revocations | None,
    ) -> None:
        """Store what the calls need; nothing is opened."""
        super().__init__(api_key, exchange, tokens)
        self._clock, self._revocations = clock, revocations

    def session_token(
        self,
        linked_account_id: str,
        *,
        ensure: bool = False,
        name: str | None = None,
        udf: Mapping[str, str] | None = None,
        force_refresh: bool = False,
        reuse_for: timedelta = REUSE_FOR,
        min_left: timedelta = MIN_LEFT,
    ) -> SessionToken:
        """Return a token with which a browser may act for this account.

        Args:
            linked_account_id: The host's id of the account.
            ensure: Create the account if Cobalt does not have it, so that a first page need not wait for a worker. It
                is not created by one answer: its own read must deny it, too. That costs two calls and a second mint.
            name: The customer's name, for an account that `ensure` creates.
            udf: User-defined fields, likewise.
            force_refresh: Have Cobalt mint a new token, and drop the cached one.
            reuse_for: Longest age of a cached token. For so long this client may also hand out a token that another
                process revoked, if the two share no `Revocations`; zero asks Cobalt each time.
            min_left: Least remaining lifetime. A token from Cobalt with less is refreshed once by force; one that has
                less even then is returned as it is, because Cobalt issues no longer ones. See its `expires_at`.

        Raises:
            UnknownAccount: Cobalt does not have the account, and `ensure` is false: upsert it, or pass `ensure`. Or
                Cobalt contradicts itself: try again later.
            CobaltError: See `Client`.
        """
        checked(linked_account_id, what="linked_account_id")
        deadline = self._exchange.deadline()
        if force_refresh:
            self._tokens.drop(linked_account_id)
        cached = self._cached(linked_account_id, reuse_for=reuse_for, min_left=min_left)
        if cached is not None:
            return cached
        try:
            return self._lasting(linked_account_id, force_refresh=force_refresh, min_left=min_left, deadline=deadline)
        except UnknownAccount:
            if not ensure:
                raise
        self._ensure(linked_account_id, without_none(name=name, udf=udf), deadline=deadline)
        return self._lasting(linked_account_id, force_refresh=force_refresh, min_left=min_left, deadline=deadline)

    def _ensure(self, linked_account_id: str, body: Mapping[str, Any], *, deadline: Deadline) -> None:
        """Create an account that one answer denied, unless its own read shows it: an upsert may clear what it omits."""
        try:
            self._read_account(linked_account_id, deadline=deadline)
        except UnknownAccount:
            self._upsert(linked_account_id, body, deadline=deadline)

    def revoke_session_token(self, token: str) -> int:
        """Revoke a token at Cobalt, and drop it from the cache of every client that shares our `Revocations`.

        Returns:
            Number of tokens revoked: 0 if Cobalt did not accept this one anyway.

        Raises:
            CobaltError: See `Client`. The token is dropped from the caches in any case.
        """
        self._tokens.drop_token(token)
        if self._revocations is not None:
            # Before the call: a process that gets the token from Cobalt until then does not find it in its cache later.
            self._revocations.record(token)
        if not fits_header(token):
            return 0
        call = Call(method="POST", path=f"{_PATH}/revoke", writes=True)
        try:
            return self._with_token(call, _REVOKED, token=token, deadline=self._exchange.deadline()).revoked_count
        except KeyRefused as refused:
            if refused.status != 401:
                raise
            return 0

    def _lasting(
        self, linked_account_id: str, *, force_refresh: bool, min_left: timedelta, deadline: Deadline
    ) -> SessionToken:
        token = self._mint(linked_account_id, force_refresh=force_refresh, deadline=deadline)
        if force_refresh or token.expires_at - self._clock() >= min_left:
            return token
        return self._mint(linked_account_id, force_refresh=True, deadline=deadline)

    def _mint(self, linked_account_id: str, *, force_refresh: bool, deadline: Deadline) -> SessionToken:
        call = Call(
            method="POST",
            path=_PATH,
            query={"force_refresh": "true"} if force_refresh else {},
            body={"linked_account_id": linked_account_id},
            absent=UnknownAccount,
        )
        # The time before the request, so that the token's lifetime is never overestimated.
        mark, asked_at = self._tokens.mark(), self._clock()
        token = self._with_key(call, _MINTED, deadline=deadline).at(asked_at)
        self._tokens.keep(linked_account_id, token, minted_at=asked_at, mark=mark)
        return token

    def _with_token(self, call: Call, shape: TypeAdapter[T], *, token: str, deadline: Deadline) -> T:
        bearing = replace(
            call,
            headers={**call.headers, "authorization": f"Bearer {token}"},
            secrets=(*call.secrets, token),
        )
        return self._exchange.send(bearing, shape, deadline=deadline)

    def _as_account(self, linked_account_id: str, call: Call, shape: TypeAdapter[T]) -> T:
        """Send a call that acts on one account: with key and header, or a session token if no header carries the id."""
        checked(linked_account_id, what="linked_account_id")
        if not fits_header(linked_account_id):
            return self._as_bearer(linked_account_id, call, shape)
        return self._with_key(replace(call, headers={**call.headers, "linked_account_id": linked_account_id}), shape)

    def _as_bearer(self, linked_account_id: str, call: Call, shape: TypeAdapter[T]) -> T:
        """Send a call with a session token. If Cobalt refuses the token, drop it and try once more with a new one: a
        request that was refused for its token had no effect, so no write happens twice."""
        deadline = self._exchange.deadline()
        token = self._token_for_a_call(linked_account_id, deadline)
        try:
            return self._with_token(call, shape, token=token, deadline=deadline)
        except KeyRefused as refused:
            if refused.status != 401:
                raise
        self._tokens.drop(linked_account_id)
        token = self._token_for_a_call(linked_account_id, deadline)
        return self._with_token(call, shape, token=token, deadline=deadline)

    def _token_for_a_call(self, linked_account_id: str, deadline: Deadline) -> str:
        min_left = _MIN_LEFT_FOR_A_CALL
        cached = self._cached(linked_account_id, reuse_for=REUSE_FOR, min_left=min_left)
        if cached is not None:
            return cached.token
        return self._lasting(linked_account_id, force_refresh=False, min_left=min_left, deadline=deadline).token

    def _cached(self, linked_account_id: str, *, reuse_for: timedelta, min_left: timedelta) -> SessionToken | None:
        cached = self._tokens.find(linked_account_id, now=self._clock(), reuse_for=reuse_for, min_left=min_left)
        if cached is None or self._revocations is None:
            return cached
        return None if self._revocations.may_include(cached.token) else cached
