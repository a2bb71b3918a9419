"""Applications: what an account can connect, connecting it, and disconnecting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from cobalt_mirror.cobalt.call import Call
from cobalt_mirror.cobalt.connection_id import named_connection
from cobalt_mirror.cobalt.errors import UnknownAccount, UnknownApplication
from cobalt_mirror.cobalt.identifiers import checked, path_segment
from cobalt_mirror.cobalt.models import Application, LinkedAccount
from cobalt_mirror.cobalt.organisation import ANYTHING
from cobalt_mirror.cobalt.session_tokens import SessionTokens


class _OAuthUrl(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)
    auth_url: str


class _ConnectUrl(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)
    hosted_url: str


_APPLICATION = TypeAdapter(Application)
_APPLICATIONS = TypeAdapter(list[Application])
_ACCOUNT = TypeAdapter(LinkedAccount)
_OAUTH_URL = TypeAdapter(_OAuthUrl)
_CONNECT_URL = TypeAdapter(_ConnectUrl)
_INTEGRATION = "/api/v2/public/linked-account/integration"


class Applications(SessionTokens):
    """The catalogue as an account sees it, and the account's connections."""

    def fetch_applications(self, linked_account_id: str) -> list[Application]:
        """Return every enabled application, with this account's connection to it.

        Raises:
            UnknownAccount: Create the account first.
            CobaltError: See `Client`.
        """
        call = Call(method="GET", path="/api/v2/public/application", absent=UnknownAccount)
        return self._as_account(linked_account_id, call, _APPLICATIONS)

    def fetch_application(self, linked_account_id: str, slug: str) -> Application:
        """Return one application, with this account's connection to it.

        Raises:
            UnknownApplication: It does not exist or is not enabled: the operator must act.
            UnknownAccount: Create the account first.
            CobaltError: See `Client`.
        """
        path = f"/api/v2/public/application/{_slug(slug)}"
        return self._as_account(
            linked_account_id, Call(method="GET", path=path, absent=UnknownApplication), _APPLICATION
        )

    def oauth_url(self, linked_account_id: str, slug: str) -> str:
        """Return the address to send the customer to, so that they can authorise.

        Raises:
            UnknownApplication: It does not exist or is not enabled: the operator must act.
            UnknownAccount: Create the account first.
            CobaltError: See `Client`.
        """
        path = f"{_INTEGRATION}/oauth-url/{_slug(slug)}"
        call = Call(method="GET", path=path, absent=UnknownApplication)
        return self._as_account(linked_account_id, call, _OAUTH_URL).auth_url

    def connect_url(self, linked_account_id: str, *, config_id: str | None = None, **page_properties: Any) -> str:
        """Return the address of Cobalt's own connect page for this account.

        Args:
            linked_account_id: The host's id of the account.
            config_id: The config that the page sets up; None leaves it to Cobalt.
            page_properties: Options of the page, such as `redirect_url` or `button_color`.

        Raises:
            UnknownAccount: Create the account first.
            CobaltError: See `Client`.
        """
        query = {"linked_account_id": checked(linked_account_id, what="linked_account_id")}
        if config_id is not None:
            query["config_id"] = checked(config_id, what="config_id")
        call = Call(
            method="POST",
            path="/api/v2/public/connect-url",
            query=query,
            body=page_properties,
            absent=UnknownAccount,
        )
        return self._as_bearer(linked_account_id, call, _CONNECT_URL).hosted_url

    def save_key_credentials(self, linked_account_id: str, slug: str, credentials: Mapping[str, Any]) -> None:
        """Connect a key-based application with the credentials that the customer typed in.

        Raises:
            CredentialsRefused: The provider refused them: the customer must enter them again.
            UnknownApplication: It does not exist or is not enabled: the operator must act.
            UnknownAccount: Create the account first.
            CobaltError: See `Client`.
        """
        call = Call(
            method="PUT",
            path=f"{_INTEGRATION}/save-key-credentials/{_slug(slug)}",
            body=credentials,
            absent=UnknownApplication,
            writes=True,
            secrets=tuple(value for value in credentials.values() if isinstance(value, str)),
        )
        self._as_account(linked_account_id, call, ANYTHING)

    def disconnect(
        self, linked_account_id: str, slug: str, *, auth_type: str | None = None, connection_id: str | None = None
    ) -> LinkedAccount:
        """Disconnect the application, with its configs.

        Args:
            linked_account_id: The host's id of the account.
            slug: The application.
            auth_type: Only what is connected this way; None: however it is connected.
            connection_id: Only this connection; None is refused where an account holds several.

        Returns:
            The account afterwards. It succeeds even if nothing was connected.

        Raises:
            UnknownAccount: There is no such account, so nothing is connected.
            Refused: It holds several connections, and none was named. Name one.
            CobaltError: See `Client`.
        """
        query = {"linked_account_id": checked(linked_account_id, what="linked_account_id")}
        query |= named_connection(connection_id)
        if auth_type is not None:
            query["auth_type"] = auth_type
        path = f"{_INTEGRATION}/{_slug(slug)}"
        call = Call(method="DELETE", path=path, query=query, absent=UnknownAccount, writes=True)
        return self._with_key(call, _ACCOUNT)


def _slug(slug: str) -> str:
    return path_segment(slug, what="slug")
