"""Changes that a person makes in Cobalt's dashboard, without an API call."""

import threading
from datetime import datetime
from typing import Any, Literal

from cobalt_mirror.cobalt.sandbox import accounts, configs, connections, notifications
from cobalt_mirror.cobalt.sandbox.messages import Refusal
from cobalt_mirror.cobalt.sandbox.state import Account, ConnectionStatus, Environment, World, iso

WorkflowEvent = Literal["Workflow Completed", "Workflow Errored"]

ACTIONS = (
    "delete_account",
    "rename_account",
    "set_udf",
    "connect",
    "disconnect",
    "expire_connection",
    "recover_connection",
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
            account.udf = dict(udf)
            accounts.record_update(self._world, account, before)

    def connect(
        self,
        linked_account_id: str,
        slug: str,
        *,
        auth_type: str | None = None,
        identifier: Any = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Connect or reconnect, as a customer's consent would; ``auth_type`` defaults to the application's first."""
        with self._lock:
            account = self._account(linked_account_id, environment)
            application = self._world.find_application(slug)
            if application is None:
                raise LookupError(f"the application {slug!r} is unknown or disabled")
            chosen = auth_type or next(iter(application.auth))
            if chosen not in application.auth:
                raise ValueError(f"{slug} does not connect through {chosen!r}")
            connections.connect(self._world, account, application, auth_type=chosen, identifier=identifier)

    def disconnect(
        self,
        linked_account_id: str,
        slug: str,
        *,
        auth_type: str | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Disconnect one auth type, or all; nothing happens if nothing is connected."""
        with self._lock:
            account = self._account(linked_account_id, environment)
            connections.disconnect(self._world, account, slug, auth_type=auth_type)

    def expire_connection(
        self,
        linked_account_id: str,
        slug: str,
        *,
        auth_type: str | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Expire a connection: the customer must reconnect."""
        self._set_status(linked_account_id, slug, ConnectionStatus.EXPIRED, auth_type, environment)

    def recover_connection(
        self,
        linked_account_id: str,
        slug: str,
        *,
        auth_type: str | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Make an expired connection active again, without a notification."""
        self._set_status(linked_account_id, slug, ConnectionStatus.ACTIVE, auth_type, environment)

    def edit_config(
        self,
        linked_account_id: str,
        slug: str,
        *,
        config_id: str | None = None,
        fields: dict[str, Any] | None = None,
        workflows: dict[str, bool] | None = None,
        workflow_fields: dict[str, dict[str, Any]] | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Set values (``fields``, ``workflow_fields``) and enable workflows; the others stay."""
        with self._lock:
            try:
                configs.edit(
                    self._world,
                    self._account(linked_account_id, environment),
                    slug,
                    config_id=config_id or linked_account_id,
                    values=fields or {},
                    workflows=workflows or {},
                    workflow_values=workflow_fields or {},
                )
            except Refusal as refusal:
                raise ValueError(refusal.message) from refusal

    def delete_config(
        self,
        linked_account_id: str,
        slug: str,
        *,
        config_id: str | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Delete one config; ``config_id`` defaults to the account's id."""
        with self._lock:
            account = self._account(linked_account_id, environment)
            configs.delete(self._world, account, slug, config_id or linked_account_id)

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
        event: WorkflowEvent = "Workflow Completed",
        config_id: str | None = None,
        environment: Environment = Environment.TEST,
    ) -> None:
        """Notify registered webhooks that a workflow ended."""
        with self._lock:
            account = self._account(linked_account_id, environment)
            workflow = self._workflow_name(workflow_id)
            payload = {
                "linked_account_id": linked_account_id,
                "instance_id": self._world.new_id(),
                "workflow_id": workflow_id,
                "config_id": config_id or linked_account_id,
                "event": event,
                "workflow_name": workflow,
                "status": "COMPLETED" if event == "Workflow Completed" else "ERRORED",
            }
            notifications.emit(self._world, account, event, payload)

    def _account(self, linked_account_id: str, environment: Environment) -> Account:
        self._begin()
        account = self._world.find_account(environment, linked_account_id)
        if account is None:
            raise LookupError(f"there is no linked account {linked_account_id!r} in {environment}")
        return account

    def _set_status(
        self,
        linked_account_id: str,
        slug: str,
        status: ConnectionStatus,
        auth_type: str | None,
        environment: Environment,
    ) -> None:
        with self._lock:
            account = self._account(linked_account_id, environment)
            connections.set_status(self._world, account, slug, status, auth_type=auth_type)

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
