"""Configs: how a connected application is set up for an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from cobalt_mirror.cobalt.call import Call
from cobalt_mirror.cobalt.connection_id import named_connection
from cobalt_mirror.cobalt.errors import InvalidIdentifier, UnknownApplication, UnknownConfig
from cobalt_mirror.cobalt.identifiers import checked, fits_header, path_segment
from cobalt_mirror.cobalt.models import Config, ConfigReference
from cobalt_mirror.cobalt.organisation import ANYTHING, without_none
from cobalt_mirror.cobalt.session_tokens import SessionTokens

_CONFIG = TypeAdapter(Config)
_CONFIGS = TypeAdapter(list[ConfigReference])
_PATH = "/api/v2/public/config"


class Configs(SessionTokens):
    """An account's configs.

    In every method, `config_id` None means the linked account id, which is Cobalt's default; `connection_id` names the
    connection in an application that holds several of one account, and is None for any other.
    """

    def config(
        self,
        linked_account_id: str,
        slug: str,
        *,
        config_id: str | None = None,
        connection_id: str | None = None,
        labels: Mapping[str, Any] | None = None,
        workflows: Sequence[Mapping[str, Any]] | None = None,
    ) -> Config:
        """Find the config, or create it with the application's fields and workflows.

        Raises:
            UnknownApplication: It does not exist or is not enabled: the operator must act.
            UnknownAccount: Create the account first.
            CobaltError: See `Client`.
        """
        body = {"slug": checked(slug, what="slug"), **_named(config_id), **named_connection(connection_id)}
        body |= without_none(labels=labels, workflows=None if workflows is None else list(workflows))
        call = Call(method="POST", path=_PATH, body=body, absent=UnknownApplication, writes=True)
        return self._as_account(linked_account_id, call, _CONFIG)

    def update_config(
        self,
        linked_account_id: str,
        slug: str,
        *,
        config_id: str | None = None,
        connection_id: str | None = None,
        fields: Mapping[str, Any],
        workflows: Sequence[Mapping[str, Any]],
    ) -> Config:
        """Replace all fields and workflows of a config: those that are left out are removed.

        Args:
            linked_account_id: The host's id of the account.
            slug: The application.
            config_id: None means the linked account id.
            connection_id: See the class.
            fields: Field id to value, all of them.
            workflows: `{"id", "enabled", "fields": {field id: value}}`, all of them.

        Returns:
            The config afterwards; `field_errors` says what the customer must still fix.

        Raises:
            UnknownConfig: It was never created. Find or create it first.
            Refused: Cobalt does not accept a value; `message` says which. Stop.
            CobaltError: See `Client`.
        """
        body = {"slug": checked(slug, what="slug"), **_named(config_id), **named_connection(connection_id)}
        body |= {"fields": dict(fields), "workflows": list(workflows)}
        call = Call(method="PUT", path=_PATH, body=body, absent=UnknownConfig, writes=True)
        return self._as_account(linked_account_id, call, _CONFIG)

    def fetch_config(
        self, linked_account_id: str, slug: str, *, config_id: str | None = None, connection_id: str | None = None
    ) -> Config:
        """Return the config with the schema that a form needs.

        Raises:
            UnknownConfig: It was never created, or is deleted.
            CobaltError: See `Client`.
        """
        query = named_connection(connection_id)
        call = Call(method="GET", path=_config_path(slug, config_id), query=query, absent=UnknownConfig)
        return self._as_account(linked_account_id, call, _CONFIG)

    def fetch_configs(self, linked_account_id: str, slug: str) -> list[ConfigReference]:
        """Return references to the account's configs for the application.

        Raises:
            UnknownApplication: It does not exist or is not enabled: the operator must act.
            CobaltError: See `Client`.
        """
        path = f"/api/v2/public/slug/{path_segment(slug, what='slug')}/configs"
        return self._as_account(linked_account_id, Call(method="GET", path=path, absent=UnknownApplication), _CONFIGS)

    def delete_config(
        self, linked_account_id: str, slug: str, *, config_id: str | None = None, connection_id: str | None = None
    ) -> None:
        """Delete the config; the application stays connected.

        Raises:
            UnknownConfig: There is no such config, so nothing is left to delete.
            CobaltError: See `Client`.
        """
        query = named_connection(connection_id)
        path = _config_path(slug, config_id)
        call = Call(method="DELETE", path=path, query=query, absent=UnknownConfig, writes=True)
        self._as_account(linked_account_id, call, ANYTHING)

    def set_workflow_enabled(
        self,
        linked_account_id: str,
        slug: str,
        workflow_id: str,
        *,
        enabled: bool,
        config_id: str | None = None,
        connection_id: str | None = None,
    ) -> None:
        """Switch one workflow of the config on or off.

        Raises:
            UnknownConfig: There is no such config, or no such workflow in it.
            CobaltError: See `Client`.
        """
        account = checked(linked_account_id, what="linked_account_id")
        config_path = _config_path(slug, account if config_id is None else config_id)
        path = f"{config_path}/workflows/{path_segment(workflow_id, what='workflow_id')}"
        call = Call(
            method="PATCH",
            path=path,
            query=named_connection(connection_id),
            body={"enabled": enabled},
            absent=UnknownConfig,
            writes=True,
        )
        self._as_account(linked_account_id, call, ANYTHING)

    def set_config_field(
        self,
        linked_account_id: str,
        slug: str,
        field_id: str,
        value: Any,
        *,
        config_id: str | None = None,
        connection_id: str | None = None,
        workflow_id: str | None = None,
    ) -> None:
        """Set one field's value; the others stay.

        Args:
            linked_account_id: The host's id of the account.
            slug: The application; it is sent in a header here, so it must be visible ASCII.
            field_id: The field.
            value: Any JSON value.
            config_id: None means the linked account id.
            connection_id: See the class.
            workflow_id: The workflow that the field belongs to; None means the config itself.

        Raises:
            UnknownConfig: There is no such config, or no such field in it.
            Refused: Cobalt does not accept the value; `message` says why. Stop.
            CobaltError: See `Client`.
        """
        query = _field_query(config_id=config_id, connection_id=connection_id, workflow_id=workflow_id)
        call = _field_call("PUT", slug, field_id, query=query, body={"value": value})
        self._as_account(linked_account_id, call, ANYTHING)

    def clear_config_field(
        self,
        linked_account_id: str,
        slug: str,
        field_id: str,
        *,
        config_id: str | None = None,
        connection_id: str | None = None,
        workflow_id: str | None = None,
    ) -> None:
        """Clear one field's value; arguments and errors are those of `set_config_field`."""
        query = _field_query(config_id=config_id, connection_id=connection_id, workflow_id=workflow_id)
        call = _field_call("DELETE", slug, field_id, query=query, body=None)
        self._as_account(linked_account_id, call, ANYTHING)


def _named(config_id: str | None) -> dict[str, Any]:
    return {} if config_id is None else {"config_id": checked(config_id, what="config_id")}


def _config_path(slug: str, config_id: str | None) -> str:
    path = f"/api/v2/public/slug/{path_segment(slug, what='slug')}/config"
    return path if config_id is None else f"{path}/{path_segment(config_id, what='config_id')}"


def _field_query(*, config_id: str | None, connection_id: str | None, workflow_id: str | None) -> dict[str, str]:
    query = {**_named(config_id), **named_connection(connection_id)}
    if workflow_id is not None:
        query["workflow_id"] = checked(workflow_id, what="workflow_id")
    return query


def _field_call(
    method: str, slug: str, field_id: str, *, query: Mapping[str, str], body: Mapping[str, Any] | None
) -> Call:
    if not fits_header(slug):
        raise InvalidIdentifier(f"slug {slug!r} cannot be sent in a header; use visible ASCII")
    return Call(
        method=method,
        path=f"{_PATH}/field/{path_segment(field_id, what='field_id')}",
        query=query,
        headers={"slug": slug},
        body=body,
        absent=UnknownConfig,
        writes=True,
    )
