"""The right to call Cobalt about one subject: to read, or, under a lease, to write as well."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from cobalt_mirror.cobalt import Application, Client, Config, ConfigReference, Environment, LinkedAccount
from cobalt_mirror.cobalt.exchanged import Exchanged, collecting
from cobalt_mirror.db.leases import Lease
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.workers.errors import OutOfTime

P = ParamSpec("P")
T = TypeVar("T")


class Reader:
    """Reads what Cobalt says of one account and one application.

    Errors of every method: `CobaltError`, see `Client`; retry as its class says.

    Args:
        client: the client to call with.
        account_id: the linked account.
        slug: the application; empty for the account itself.
    """

    def __init__(self, client: Client, account_id: str, slug: str) -> None:
        self._client, self._account_id, self._slug = client, account_id, slug

    @property
    def environment(self) -> Environment | None:
        """The environment of the key, as far as its prefix tells."""
        return self._client.environment

    def fetch_account(self) -> LinkedAccount:
        """Read the account."""
        return self._call(self._client.fetch_account, self._account_id)

    def fetch_application(self) -> Application:
        """Read how the account is connected to the application."""
        return self._call(self._client.fetch_application, self._account_id, self._slug)

    def fetch_configs(self) -> list[ConfigReference]:
        """List the configs of the connection."""
        return self._call(self._client.fetch_configs, self._account_id, self._slug)

    def fetch_config(self, key: ConfigKey) -> Config:
        """Read one config."""
        return self._call(self._client.fetch_config, self._account_id, self._slug, **_named(key))

    def _call(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return call(*args, **kwargs)


class Caller(Reader):
    """Reads and writes under the lease of the account, as long as the lease surely outlasts the next call.

    Every method can also raise `OutOfTime`: too little of the lease is left, and nothing was sent.

    Args:
        client: the client to call with.
        lease: the lease of the account; it names the subject.
        longest_call_seconds: the longest that one call may take.
        monotonic: the clock by which the lease ends, in seconds.

    Attributes:
        has_called: whether Cobalt was called.
        has_written: whether a call was one that changes something there.
        exchanged: what each request came to, with the connection that its call named.
    """

    def __init__(
        self,
        client: Client,
        lease: Lease,
        *,
        longest_call_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(client, lease.linked_account_id, lease.slug)
        self._lease, self._longest_call_seconds, self._monotonic = lease, longest_call_seconds, monotonic
        self.has_called = self.has_written = False
        self.exchanged: list[tuple[Exchanged, str | None]] = []

    def upsert_account(
        self,
        *,
        name: str | None = None,
        udf: Mapping[str, str] | None = None,
        auth_credentials: Mapping[str, str] | None = None,
    ) -> LinkedAccount:
        """Create the account, or change what is given."""
        return self._write(
            self._client.upsert_account, self._account_id, name=name, udf=udf, auth_credentials=auth_credentials
        )

    def delete_account(self) -> None:
        """Delete the account with everything that belongs to it."""
        self._write(self._client.delete_account, self._account_id)

    def disconnect(self, *, auth_type: str | None = None, connection_id: str | None = None) -> None:
        """Disconnect one connected account, or all of them, with their configs."""
        name = {"auth_type": auth_type, "connection_id": connection_id}
        self._write(self._client.disconnect, self._account_id, self._slug, **name)

    def ensure_config(self, key: ConfigKey) -> Config:
        """Find a config or create it."""
        return self._write(self._client.config, self._account_id, self._slug, **_named(key))

    def update_config(
        self, key: ConfigKey, *, fields: Mapping[str, Any], workflows: Sequence[Mapping[str, Any]]
    ) -> Config:
        """Replace what a config holds."""
        return self._write(
            self._client.update_config,
            self._account_id,
            self._slug,
            **_named(key),
            fields=fields,
            workflows=workflows,
        )

    def delete_config(self, key: ConfigKey) -> None:
        """Delete one config."""
        self._call(self._client.delete_config, self._account_id, self._slug, **_named(key))

    def set_config_field(self, key: ConfigKey, field_id: str, value: Any, *, workflow_id: str | None) -> None:
        """Set one field of a config, or of a workflow in it."""
        self._write(
            self._client.set_config_field,
            self._account_id,
            self._slug,
            field_id,
            value,
            **_named(key),
            workflow_id=workflow_id,
        )

    def clear_config_field(self, key: ConfigKey, field_id: str, *, workflow_id: str | None) -> None:
        """Clear one field of a config, or of a workflow in it."""
        self._write(
            self._client.clear_config_field,
            self._account_id,
            self._slug,
            field_id,
            **_named(key),
            workflow_id=workflow_id,
        )

    def set_workflow_enabled(self, key: ConfigKey, workflow_id: str, *, enabled: bool) -> None:
        """Switch a workflow of a config on or off."""
        self._write(
            self._client.set_workflow_enabled,
            self._account_id,
            self._slug,
            workflow_id,
            enabled=enabled,
            **_named(key),
        )

    def _write(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self.has_written = True
        return self._call(call, *args, **kwargs)

    def _call(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._lease.ends - self._monotonic() < self._longest_call_seconds:
            raise OutOfTime
        self.has_called = True
        requests: list[Exchanged] = []
        try:
            with collecting(requests):
                return call(*args, **kwargs)
        finally:
            named = kwargs.get("connection_id")
            self.exchanged += [(request, None if named is None else str(named)) for request in requests]


def _named(key: ConfigKey) -> dict[str, Any]:
    """Name a config as the client does: a connection only where the application holds several."""
    return {"config_id": key.config_id, "connection_id": key.connection_id or None}
