"""Linked accounts: create, read, list, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from cobalt_mirror.cobalt.call import Call
from cobalt_mirror.cobalt.deadline import Deadline
from cobalt_mirror.cobalt.errors import UnknownAccount
from cobalt_mirror.cobalt.identifiers import checked, path_segment
from cobalt_mirror.cobalt.models import AccountPage, LinkedAccount
from cobalt_mirror.cobalt.organisation import ANYTHING, Organisation, without_none

_ACCOUNT = TypeAdapter(LinkedAccount)
_PAGE = TypeAdapter(AccountPage)
_PATH = "/api/v2/public/linked-account"


class Accounts(Organisation):
    """The linked accounts of the key's environment."""

    def upsert_account(
        self,
        linked_account_id: str,
        *,
        name: str | None = None,
        udf: Mapping[str, str] | None = None,
        auth_credentials: Mapping[str, str] | None = None,
    ) -> LinkedAccount:
        """Create the account, or update it; arguments that are None are left out of the request.

        Args:
            linked_account_id: The host's id of the account.
            name: The customer's name.
            udf: User-defined fields; they replace all that the account has.
            auth_credentials: Secrets with which Cobalt calls the host's own API; they replace all that the account has.
                See `set_auth_credential` for one of them.

        Returns:
            The account; `new_account` says whether it was created.

        Raises:
            Refused: Cobalt does not accept a value. Stop.
            CobaltError: See `Client`.
        """
        checked(linked_account_id, what="linked_account_id")
        body = without_none(
            name=name,
            udf=None if udf is None else dict(udf),
            your_app=None if auth_credentials is None else {"auth_credentials": dict(auth_credentials)},
        )
        return self._upsert(linked_account_id, body, secrets=tuple((auth_credentials or {}).values()))

    def _upsert(
        self,
        linked_account_id: str,
        body: Mapping[str, Any],
        *,
        secrets: tuple[str, ...] = (),
        deadline: Deadline | None = None,
    ) -> LinkedAccount:
        call = Call(
            method="PUT",
            path=_PATH,
            body={"linked_account_id": linked_account_id, **body},
            writes=True,
            secrets=secrets,
        )
        return self._with_key(call, _ACCOUNT, deadline=deadline)

    def fetch_account(self, linked_account_id: str) -> LinkedAccount:
        """Return the account with its integrations.

        Raises:
            UnknownAccount: Cobalt has no such account.
            CobaltError: See `Client`.
        """
        return self._read_account(linked_account_id)

    def _read_account(self, linked_account_id: str, *, deadline: Deadline | None = None) -> LinkedAccount:
        call = Call(method="GET", path=_path(linked_account_id), absent=UnknownAccount)
        return self._with_key(call, _ACCOUNT, deadline=deadline)

    def fetch_accounts(self, *, page: int = 1, limit: int = 100) -> AccountPage:
        """Return one page of the accounts, counted from 1. Cobalt may reduce `limit`: use the one in the answer.

        Raises:
            CobaltError: See `Client`.
        """
        return self._with_key(Call(method="GET", path=_PATH, query={"page": str(page), "limit": str(limit)}), _PAGE)

    def delete_account(self, linked_account_id: str) -> None:
        """Delete the account with everything it has at Cobalt; it cannot be brought back.

        Raises:
            UnknownAccount: There is no such account, so nothing is left to delete.
            CobaltError: See `Client`.
        """
        self._tokens.drop(linked_account_id)
        call = Call(method="DELETE", path=_path(linked_account_id), absent=UnknownAccount, writes=True)
        self._with_key(call, ANYTHING)

    def probe(self) -> None:
        """Make the smallest call that needs only the key. It returns if Cobalt accepts the key.

        Raises:
            KeyRefused: Cobalt refuses the key: the operator must act.
            CobaltError: See `Client`.
        """
        self.fetch_accounts(page=1, limit=1)


def _path(linked_account_id: str) -> str:
    return f"{_PATH}/{path_segment(linked_account_id, what='linked_account_id')}"
