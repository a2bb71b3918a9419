"""The catalogue: every application that customers can connect, read through some active account."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Engine

from cobalt_mirror.cobalt import Application, Client, CobaltError, UnknownAccount
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.engine import Clock, database_clock
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.mirror import find_active_account, find_enabled, record_catalogue
from cobalt_mirror.db.outcomes import find_unseen
from cobalt_mirror.db.pauses import list_pauses
from cobalt_mirror.db.state import find_absent, find_halt, record_absent, record_catalogue_due
from cobalt_mirror.db.statuses import PauseScope
from cobalt_mirror.workers.calls import CallRecorder
from cobalt_mirror.workers.settings import Settings

log = structlog.get_logger()

#: How long after a first listing that lacks an application a second one is believed.
SECOND_LISTING = timedelta(seconds=15)
_CAUSE = {"catalogue": "refreshed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Keep the table `applications` equal to Cobalt's catalogue."""

    engine: Engine
    client: Client
    settings: Settings
    clock: Clock = database_clock

    def refresh(self) -> None:
        """Read the catalogue once. If that fails, a later message retries."""
        with self.engine.begin() as connection:
            if find_halt(connection) is not None or _is_paused(connection, self.clock(connection)):
                return
            account = find_active_account(connection)
        if account is None:
            return
        recorder = CallRecorder(engine=self.engine, clock=self.clock, share=self.settings.calls_sample_share)
        try:
            with recorder.recording(_CAUSE, linked_account_id=account):
                applications = self.client.fetch_applications(account)
        except UnknownAccount:
            with self.engine.begin() as connection:
                now = self.clock(connection)
                record_check(connection, account, "", due_at=now, reason="Cobalt does not know the account")
        except CobaltError as error:
            log.warning("catalogue_not_read", error=str(error))
        else:
            self.record(applications)

    def record(self, applications: list[Application]) -> None:
        """Write a catalogue that was just read, and put the next refresh off.

        One listing is no proof: what it lacks for the first time is looked for again soon, and an empty one is refused.
        """
        with self.engine.begin() as connection:
            now, enabled = self.clock(connection), find_enabled(connection)
            if enabled and not applications:
                log.warning("catalogue_not_read", error="Cobalt lists no application, although it listed some before")
                record_catalogue_due(connection, now + SECOND_LISTING)
                return
            listed = {application.slug for application in applications}
            doubted = doubt(enabled - listed, find_absent(connection), now)
            rows = [application_row(application) for application in applications]
            record_catalogue(connection, rows, Because(at=now, cause=_CAUSE), doubted=doubted)
            record_absent(connection, doubted)
            for account, slug in find_unseen(connection, listed - enabled):
                record_check(connection, account, slug, due_at=now, reason="Cobalt lists it again", at_once=True)
            due_at = now + timedelta(seconds=self.settings.catalogue_refresh_seconds)
            record_catalogue_due(connection, min([due_at, *(since + SECOND_LISTING for since in doubted.values())]))


def doubt(missing: Iterable[str], absent: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """Return which applications a listing lacks without being believed yet, each since when.

    Args:
        missing: the slugs of enabled applications that it lacks.
        absent: which were in doubt before, each since when.
        now: the time.
    """
    since = {slug: absent.get(slug, now) for slug in missing}
    return {slug: moment for slug, moment in since.items() if now - moment < SECOND_LISTING}


def _is_paused(connection: Connection, now: datetime) -> bool:
    return any(pause.scope is PauseScope.EVERYTHING for pause in list_pauses(connection, now))


def application_row(application: Application) -> dict[str, Any]:
    """Return an application as a row of the mirror, without one account's connection to it."""
    options = application.auth_type_options
    auth_types = list(options) or ([application.auth_type] if application.auth_type else [])
    return {
        "slug": application.slug,
        "name": application.name,
        "icon": application.icon,
        "description": application.description,
        "tags": list(application.tags),
        "app_id": application.app_id,
        "type": application.type,
        "kind": application.kind,
        "has_multi_auth": application.has_multi_auth,
        "auth_types": [{"auth_type": auth_type, "inputs": options.get(auth_type) or []} for auth_type in auth_types],
    }
