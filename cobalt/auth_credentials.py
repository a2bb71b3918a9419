"""Single credentials with which Cobalt calls the host's own API for an account."""

from __future__ import annotations

from cobalt_mirror.cobalt.call import Call
from cobalt_mirror.cobalt.identifiers import path_segment
from cobalt_mirror.cobalt.organisation import ANYTHING
from cobalt_mirror.cobalt.session_tokens import SessionTokens

_PATH = "/api/v2/public/linked-account/default-app/auth-credentials"


class AuthCredentials(SessionTokens):
    """Credentials of an account for the organisation's default application, one by one.

    `upsert_account` and the event `UserSignedUp` replace all of an account's credentials at once. These two calls
    change one, for a host that does not know the others. An account has a default application, and credentials in it,
    once an upsert has given it some.
    """

    def set_auth_credential(self, linked_account_id: str, key: str, value: str) -> None:
        """Add one credential to the account's, or replace it; the others stay.

        Args:
            linked_account_id: The host's id of the account.
            key: Its name, such as `api_key`.
            value: The secret. It is in no error and no log.

        Raises:
            UnknownAccount: Create the account first.
            Refused: (404) The account has no default application: send all its credentials with `upsert_account`.
            CobaltError: See `Client`.
        """
        call = Call(method="PUT", path=_path(key), body={"value": value}, writes=True, secrets=(value,))
        self._as_account(linked_account_id, call, ANYTHING)

    def delete_auth_credential(self, linked_account_id: str, key: str) -> None:
        """Delete one credential of the account; the others stay.

        Args:
            linked_account_id: The host's id of the account.
            key: Its name, such as `api_key`.

        Raises:
            UnknownAccount: There is no such account, so it has no credential.
            Refused: (404) The account has no such credential, so nothing is left to delete.
            CobaltError: See `Client`.
        """
        self._as_account(linked_account_id, Call(method="DELETE", path=_path(key), writes=True), ANYTHING)


def _path(key: str) -> str:
    return f"{_PATH}/{path_segment(key, what='key')}"
