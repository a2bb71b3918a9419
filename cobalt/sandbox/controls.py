"""The controls of a sandbox: what a test or a person may set, change and read."""

import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cobalt_mirror.cobalt.sandbox import notifications, saving, snapshot
from cobalt_mirror.cobalt.sandbox.catalogue import Catalogue, bundled_catalogue
from cobalt_mirror.cobalt.sandbox.dashboard import Dashboard
from cobalt_mirror.cobalt.sandbox.faults import Fault
from cobalt_mirror.cobalt.sandbox.gateway import Gateway
from cobalt_mirror.cobalt.sandbox.ledger import CallRecord, EffectRecord, Ledger
from cobalt_mirror.cobalt.sandbox.settings import SandboxSettings
from cobalt_mirror.cobalt.sandbox.state import Environment, Notification, World

DEFAULT_KEYS: Mapping[str, str] = {"test": "tk_sandbox", "production": "pk_sandbox"}

DEFAULT_ORGANISATION = "5a0d0b0c0a1b2c3d4e5f6a7b"
"""The id of the sandbox's organisation, in the form of Cobalt's."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Controls(Dashboard):
    """The state of a sandbox with its settings, faults and records; `Sandbox` documents the arguments."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = _utc_now,
        seed: int = 0,
        rate_limited: bool | None = None,
        settings: SandboxSettings | None = None,
        keys: Mapping[str, str] = DEFAULT_KEYS,
        org_id: str = DEFAULT_ORGANISATION,
        test_user: str | None = "test_user",
        base_url: str | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._lock = threading.RLock()
        self._requests_handled = 0
        self._clock, self._seed, self._org_id, self._test_user = clock, seed, org_id, test_user
        self._keys = {Environment(name): key for name, key in keys.items()}
        self._base_url = base_url
        self._catalogue = bundled_catalogue() if catalogue is None else catalogue
        self._initial = SandboxSettings() if settings is None else settings
        if rate_limited is not None:
            self._initial = self._initial.model_copy(update={"rate_limited": rate_limited})
        self._start()

    def reset(self) -> None:
        """Start again without accounts, webhooks, faults or records, with the initial settings and the same seed."""
        with self._lock:
            self._start()

    @property
    def requests_handled(self) -> int:
        """The number of requests so far, of any kind; without another one, nothing has changed but the outbox."""
        return self._requests_handled

    def saved_state(self) -> bytes:
        """Return the state as JSON, for `restore`. It has secrets; settings, faults and the ledger are not in it."""
        with self._lock:
            return saving.dump(self._world)

    def restore(self, saved_state: bytes) -> None:
        """Start again with a saved state.

        Raises:
            UnusableState: It is of another release, or of another catalogue; the sandbox is empty then.
        """
        with self._lock:
            self._start()
            saving.restore(self._world, saved_state, seed=self._seed)

    @property
    def settings(self) -> SandboxSettings:
        """The settings in force."""
        return self._world.settings

    def change_settings(self, **changes: Any) -> SandboxSettings:
        """Change some settings.

        Raises:
            ValueError: A name is unknown or a value out of range; nothing was changed.
        """
        with self._lock:
            self._world.settings = SandboxSettings.model_validate({**self._world.settings.model_dump(), **changes})
            return self._world.settings

    def add_faults(self, *faults: Fault) -> None:
        """Add fault rules after those in force."""
        with self._lock:
            self._gateway.faults.add(*faults)

    def clear_faults(self) -> None:
        """Remove all fault rules; late effects that are pending still happen."""
        with self._lock:
            self._gateway.faults.clear()

    def faults(self) -> list[Fault]:
        """Return the rules in force, with what is left of their ``times``."""
        with self._lock:
            return self._gateway.faults.left()

    def late_effects(self) -> int:
        """Return the number of late effects that are pending."""
        with self._lock:
            self._begin()
            return self._gateway.late_effects

    def state(
        self,
        *,
        environment: Environment | str | None = None,
        linked_account_id: str | None = None,
        secrets: bool = False,
    ) -> dict[str, Any]:
        """Return the full state as rows: ``accounts``, ``connections``, ``configs``, ``applications``.

        Args:
            environment: Only this environment; default both.
            linked_account_id: Only this account; default all.
            secrets: Whether to show credentials and password values, which are otherwise left out or masked.
        """
        with self._lock:
            self._begin()
            selected = None if environment is None else Environment(environment)
            return snapshot.take(
                self._world, environment=selected, linked_account_id=linked_account_id, secrets=secrets
            )

    def calls(self, **filters: Any) -> list[CallRecord]:
        """Return the API calls that match, such as ``route="upsert_account"``; ``after=n`` skips the first n."""
        with self._lock:
            return self._world.ledger.calls(**filters)

    def effects(self, **filters: Any) -> list[EffectRecord]:
        """Return the effects that match, such as ``kind="connected"``; ``after=n`` skips the first n."""
        with self._lock:
            self._begin()
            return self._world.ledger.effects(**filters)

    def summary(self) -> dict[str, Any]:
        """Return exact counts of calls by route and status, and of effects."""
        with self._lock:
            return self._world.ledger.summary()

    def reset_ledger(self) -> None:
        """Clear calls and effects, and keep the state."""
        with self._lock:
            self._world.ledger.reset()

    def take_notifications(self, *, all_of_them: bool = False) -> list[Notification]:
        """Remove from the outbox, and return, the notifications that are due, or all."""
        with self._lock:
            now = self._begin()
            return notifications.take_due(self._world, datetime.max.replace(tzinfo=UTC) if all_of_them else now)

    def put_back_notification(self, notification: Notification) -> bool:
        """Schedule the next attempt after a refused delivery.

        Returns:
            Whether there is another attempt; after three retries the notification is lost.
        """
        with self._lock:
            return notifications.put_back(self._world, notification, self._begin())

    def _start(self) -> None:
        self._world = World(
            now=self._clock().astimezone(UTC),
            rng=random.Random(self._seed),
            settings=self._initial,
            keys=self._keys,
            org_id=self._org_id,
            test_user=self._test_user,
            applications={application.slug: application for application in self._catalogue.applications},
            events=self._catalogue.events,
            ledger=Ledger(),
        )
        self._gateway = Gateway(self._world, base_url=self._base_url)

    def _begin(self) -> datetime:
        self._world.now = self._clock().astimezone(UTC)
        self._gateway.settle()
        return self._world.now
