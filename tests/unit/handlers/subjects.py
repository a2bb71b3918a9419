"""A subject as it is loaded for an attempt, for tests of what handlers decide."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cobalt_mirror.db.checks import Check
from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.db.rows import AccountRow, ConfigKey, ConfigRow
from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.settings import Settings
from tests.unit.entries import ACCOUNT, SLUG, at

CHECK = Check(due_at=at(0), reason="a notification", attempts=0)


def findings(
    *pending: Entry,
    ended: Sequence[Entry] = (),
    second: float = 0,
    slug: str = SLUG,
    account: str | None = "active",
    configs: Sequence[str | ConfigKey] = (),
    has_multi_auth: bool | None = False,
    settings: Settings | None = None,
    **more: Any,
) -> Findings:
    """What an attempt found that has just begun, so many seconds after noon.

    Args:
        pending: the events that wait.
        ended: those that ended.
        second: when the attempt began.
        slug: the application; empty: the account itself.
        account: the status of the account's row; None: there is none.
        configs: the ids, or the whole keys, of the configs that the mirror shows.
        has_multi_auth: what the catalogue says of the application; None: there is no catalogue yet.
        settings: the settings in force; None: the defaults.
        more: what else was loaded.
    """
    loaded = Loaded(
        account_id=ACCOUNT,
        slug=slug,
        now=at(second),
        settings=Settings() if settings is None else settings,
        pending=pending,
        ended=ended,
        account=None if account is None else account_row(account),
        configs=[config_row(key) for key in configs],
        has_multi_auth=has_multi_auth if slug else None,
        **more,
    )
    return Findings.begin(loaded)


def account_row(status: str) -> AccountRow:
    """The mirror's row of the account."""
    return AccountRow(linked_account_id=ACCOUNT, status=AccountStatus(status))


def config_row(key: str | ConfigKey) -> ConfigRow:
    """The mirror's row of a config."""
    config_id, connection_id = ConfigKey(key) if isinstance(key, str) else key
    return ConfigRow(
        linked_account_id=ACCOUNT,
        slug=SLUG,
        config_id=config_id,
        connection_id=connection_id,
        fields={},
        workflows=[],
        schema={},
        field_errors=[],
        status=ConfigStatus.INSTALLED,
    )


def receipt(second: float = 0, *, gone_at: datetime | None = None, **more: Any) -> Deletion:
    """The receipt of a deletion that was asked for so many seconds after noon, and carried out then."""
    gone_at = at(second) if gone_at is None else gone_at
    return Deletion(
        linked_account_id=ACCOUNT, source="host", event_id="d", occurred_at=at(second), gone_at=gone_at, **more
    )


def ended_as(found: Findings) -> dict[str, str]:
    """How events ended or were put off, by their ids."""
    return {id_: str(outcome.verdict) for (_, id_), outcome in found.outcomes.items()}
