"""Changes that a person makes in Cobalt's dashboard, without an API call."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from cobalt_mirror.cobalt.sandbox import accounts, config_values, connections, notifications
from cobalt_mirror.cobalt.sandbox.messages import Refusal
from cobalt_mirror.cobalt.sandbox.notifications import WorkflowEvent
from cobalt_mirror.cobalt.sandbox.state import Account, Choice, ConnectionStatus, Environment, World, iso

ACTIONS = (
    "delete_account",
    "rename_account",
    "set_udf",
    "connect",
    "disconnect",
    "expire_connection",
    "recover_connection",
    "renew_token",
    "edit_config",
    "delete_config",
    "disable_application",
    "enable_application",
    "notify_workflow",
)
"""Methods of `Dashboard` that are served under ``/_sandbox/dashboard/``."""


class Dashboard:
    """Changes by hand. Every method locks the sandbox and first applies late effects that are due.

    ``environment`` is ``test`` unless given. An unknown account, application or config raises `LookupError`,
    a value that makes no sense `ValueError`: in both cases nothing has changed.
    """

    _world: World
    _lock: threading.RLock

    def _begin(self) -> datetime:
        raise NotImplementedError

    def delete_account(self, linked_account_id: str, *, environment: Environment = Environment.TEST) -> None:
        """Delete an account, even the test user."""
        with self._lock:
            accounts.delete_account(self._world, self._account(linked_account_id, environment))

    def rename_account(
        self, linked_account_id: str, name: str | None, *, environment: Environment = Environment.TEST
    ) -> None:
        """Change an account's name; None removes it."""
        with self._lock:
            account = self._account(linked_account_id, environment)
            before = accounts.summary(account)
            account.name = name
            accounts.record_update(self._world, account, before)

    def set_udf(
        self, linked_account_id: str, udf: dict[str, str], *, environment: Environment = Environment.TEST
    ) -> None:
        """Replace an account's user-defined fields."""
        with self._lock:
            account = self._account(linked_account_id, environment)
            before = accounts.summary(account)
            accounts.replace_udf(self._world, account, udf)
            accounts.record_update(self._world, account, before)

    def connect(
        self,
        linked_account_id: str,
        slug: str,
        *,
        auth_type: str | None = None,
        identifier: Any = None,
        connection_id: str | None = None,
        auth_profile_id: str | None = None,
        user_defined_fields: dict[str, Any] | None = None,
        environment: Environment = Environment.TEST,
    ) -> str | None:
        """Connect or reconnect, as a customer's consent would.

        Args:
            linked_account_id: The account.
            slug: The application.
            auth_type: Default: that of the connection, else the application's first.
            identifier: What the provider calls it; default an e-mail address made up of the two.
            connection_id: The connection to authorize again; default another one, where the application allows several.
            auth_profile_id: The organisation's credential set; default the first one.
            user_defined_fields: The caller's metadata for the connection.
            environment: The account's environment.

        Returns:
            The connection id; None where the application connects once for each auth type.
        """
        choice = Choice(
            connection_id=connection_id, auth_profile_id=auth_profile_id, user_defined_fields=user_defined_fields
        )
        with self._lock, _refusals():
            account = self._account(linked_account_id, environment)
            application = self._world.find_application(slug)
            if application is None:
                raise LookupError(f"the application {slug!r} is unknown or disabled")
            same = [] if connection_id is None else connections.select(account, slug, connection_id=connection_id)
            chosen = auth_type or (same[0].auth_type if same else next(iter(application.auth)))
            if chosen not in application.auth:
                raise ValueError(f"{slug} does not connect through {chosen!r}")
            return connections.connect(
                self._world, account, application, auth_type=chosen, identifier=identifier, choice=choice
            )

    def disconnect(
        self,
        linked_account_id: str,
        slug: str,
        *,
        auth_type: str | None = None,
        connection_id: str | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Disconnect one auth type or connection, or all; nothing happens if nothing is connected."""
        with self._lock, _refusals():
            account = self._account(linked_account_id, environment)
            if connection_id is not None:
                connections.get_connection(account, slug, connection_id)
            connections.disconnect(self._world, account, slug, auth_type=auth_type, connection_id=connection_id)

    def expire_connection(
        self,
        linked_account_id: str,
        slug: str,
        *,
        auth_type: str | None = None,
        connection_id: str | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Expire one auth type or connection, or all: the customer must reconnect."""
        with self._lock:
            account = self._account(linked_account_id, environment)
            parts = connections.find(account, slug, auth_type=auth_type, connection_id=connection_id)
            connections.set_status(self._world, account, slug, parts, ConnectionStatus.EXPIRED)

    def recover_connection(
        self,
        linked_account_id: str,
        slug: str,
        *,
        auth_type: str | None = None,
        connection_id: str | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Make what expired active again, without a notification."""
        with self._lock:
            account = self._account(linked_account_id, environment)
            parts = connections.find(account, slug, auth_type=auth_type, connection_id=connection_id)
            connections.set_status(self._world, account, slug, parts, ConnectionStatus.ACTIVE)

    def renew_token(
        self,
        linked_account_id: str,
        slug: str,
        *,
        auth_type: str | None = None,
        connection_id: str | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Renew the provider's token, as Cobalt does by itself: only `connectedAt` and `updatedAt` move.

        It applies to what is active of one auth type or connection, or of all; nothing active is a `LookupError`.
        """
        with self._lock:
            account = self._account(linked_account_id, environment)
            parts = connections.find(account, slug, auth_type=auth_type, connection_id=connection_id)
            connections.renew_tokens(self._world, account, slug, parts)

    def edit_config(
        self,
        linked_account_id: str,
        slug: str,
        *,
        config_id: str | None = None,
        connection_id: str | None = None,
        fields: dict[str, Any] | None = None,
        workflows: dict[str, bool] | None = None,
        workflow_fields: dict[str, dict[str, Any]] | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Set values (``fields``, ``workflow_fields``) and enable workflows; the others stay."""
        with self._lock, _refusals():
            account = self._account(linked_account_id, environment)
            key = config_values.config_key(self._world, account, slug, config_id=config_id, connection_id=connection_id)
            config_values.edit(
                self._world,
                account,
                key,
                values=fields or {},
                workflows=workflows or {},
                workflow_values=workflow_fields or {},
            )

    def delete_config(
        self,
        linked_account_id: str,
        slug: str,
        *,
        config_id: str | None = None,
        connection_id: str | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Delete one config; ``config_id`` defaults to the account's id."""
        with self._lock, _refusals():
            account = self._account(linked_account_id, environment)
            key = config_values.config_key(self._world, account, slug, config_id=config_id, connection_id=connection_id)
            config_values.delete(self._world, account, key)

    def disable_application(self, slug: str) -> None:
        """Remove an application from the catalogue; its connections stay."""
        self._set_enabled(slug, enabled=False)

    def enable_application(self, slug: str) -> None:
        """Put an application back into the catalogue."""
        self._set_enabled(slug, enabled=True)

    def notify_workflow(
        self,
        linked_account_id: str,
        workflow_id: str,
        *,
        event: str = WorkflowEvent.COMPLETED,
        config_id: str | None = None,
        error: Any = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Notify registered webhooks that a workflow ended; ``error`` is what failed, for ``Workflow Errored``."""
        with self._lock:
            account = self._account(linked_account_id, environment)
            name = self._workflow_name(workflow_id)
            notifications.emit_workflow(
                self._world,
                account,
                event,
                workflow_id=workflow_id,
                workflow_name=name,
                config_id=config_id or linked_account_id,
                error=error,
            )

    def _account(self, linked_account_id: str, environment: Environment) -> Account:
        self._begin()
        account = self._world.find_account(environment, linked_account_id)
        if account is None:
            raise LookupError(f"there is no linked account {linked_account_id!r} in {environment}")
        return account

    def _set_enabled(self, slug: str, *, enabled: bool) -> None:
        with self._lock:
            self._begin()
            if slug not in self._world.applications:
                raise LookupError(f"there is no application {slug!r}")
            (self._world.disabled.discard if enabled else self._world.disabled.add)(slug)
            kind = "application_enabled" if enabled else "application_disabled"
            self._world.ledger.record_effect(kind, at=iso(self._world.now), environment="both", slug=slug)

    def _workflow_name(self, workflow_id: str) -> str:
        for application in self._world.applications.values():
            workflow = application.find_workflow(workflow_id)
            if workflow is not None:
                return workflow.name
        raise LookupError(f"there is no workflow {workflow_id!r}")


@contextmanager
def _refusals() -> Iterator[None]:
    """Raise what the API would refuse as the errors of `Dashboard`."""
    try:
        yield
    except Refusal as refusal:
        raise (LookupError if refusal.status == 404 else ValueError)(refusal.message) from refusal
