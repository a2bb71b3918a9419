"""The base of all calls: the key, the exchange and the cache of session tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import TypeAdapter

from cobalt_mirror.cobalt.call import Call
from cobalt_mirror.cobalt.deadline import Deadline
from cobalt_mirror.cobalt.exchange import Exchange
from cobalt_mirror.cobalt.token_cache import TokenCache

T = TypeVar("T")

ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


class Organisation:
    """Calls that need the key and nothing else."""

    def __init__(self, api_key: str, exchange: Exchange, tokens: TokenCache) -> None:
        """Store what the calls need; nothing is opened."""
        self._api_key = api_key
        self._exchange = exchange
        self._tokens = tokens

    def _with_key(self, call: Call, shape: TypeAdapter[T], *, deadline: Deadline | None = None) -> T:
        """Send a call with the organisation's key."""
        keyed = replace(
            call,
            headers={**call.headers, "x-api-key": self._api_key},
            secrets=(*call.secrets, self._api_key),
        )
        return self._exchange.send(keyed, shape, deadline=self._exchange.deadline() if deadline is None else deadline)


def without_none(**values: Any) -> Mapping[str, Any]:
    """Return the values that are not None, for requests that leave the others out."""
    return {key: value for key, value in values.items() if value is not None}
