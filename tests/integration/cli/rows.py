"""Rows that these tests find in the mirror."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert

from cobalt_mirror.db.deletions import Deletion, record_deletion
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.tables import events

NOW = datetime.now(UTC).replace(microsecond=0)
BECAUSE = Because(at=NOW, cause={"events": []})


def add_event(engine: Engine, id_: str, **columns: Any) -> None:
    row = {"id": id_, "type": "user_signed_up", "linked_account_id": "acme", "occurred_at": NOW, **columns}
    with engine.begin() as connection:
        connection.execute(insert(events).values(**row))


def add_receipt(engine: Engine, account: str, *, gone: timedelta, **more: Any) -> None:
    receipt = Deletion(
        linked_account_id=account,
        source="billing",
        event_id=f"d-{account}",
        occurred_at=NOW - gone - timedelta(minutes=1),
        gone_at=datetime.now(UTC) - gone,
        **more,
    )
    with engine.begin() as connection:
        record_deletion(connection, receipt)
