"""What Cobalt sends unasked: notifications, which are kept, runs of workflows, and the webhook it sends them to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sqlalchemy import Connection, func, select

from cobalt_mirror.db.engine import insert_into, upsert
from cobalt_mirror.db.statuses import AccountStatus, RunEnding, StateKey
from cobalt_mirror.db.tables import linked_accounts, notifications, runs, state, workflow_runs

#: The event of a notification that we send to ourselves. It does not show that Cobalt sends any.
DELIVERY_TEST = "Delivery Test"


def record_notification(
    connection: Connection,
    *,
    received_at: datetime,
    event: str,
    payload: Mapping[str, Any],
    linked_account_id: str | None = None,
    slug: str | None = None,
    instance_id: str | None = None,
) -> bool:
    """Record a notification; without its payload if the account was deleted.

    Returns:
        Whether it is news of an account that is not deleted. Only an instance of a workflow is recognised, for each
        account, and then not written again: other notifications carry no id, and two of them may look the same.
    """
    is_deleted = linked_account_id is not None and _is_deleted(connection, linked_account_id)
    row = {
        "received_at": received_at,
        "event": event,
        "linked_account_id": linked_account_id,
        "slug": slug,
        "payload": None if is_deleted else dict(payload),
    }
    written = _insert(connection, row, instance_id)
    if not written and _is_of_another_account(connection, instance_id, linked_account_id):
        written = _insert(connection, row, f"{instance_id}\n{linked_account_id}")
    return written and not is_deleted


def _insert(connection: Connection, row: Mapping[str, Any], instance_id: str | None) -> bool:
    """Write a notification, unless the instance is known, and return whether it was written.

    The index stays one of `instance_id` alone, since processes of earlier releases name it in ON CONFLICT. So an
    instance of a second account is written with that account behind a line feed, which no id contains.
    """
    statement = insert_into(connection, notifications).values(**row, instance_id=instance_id)
    return connection.execute(statement.on_conflict_do_nothing(index_elements=["instance_id"])).rowcount == 1


def _is_of_another_account(connection: Connection, instance_id: str | None, linked_account_id: str | None) -> bool:
    statement = select(notifications.c.linked_account_id).where(notifications.c.instance_id == instance_id)
    return connection.execute(statement).scalar_one_or_none() != linked_account_id


def _is_deleted(connection: Connection, linked_account_id: str) -> bool:
    statement = select(linked_accounts.c.status).where(linked_accounts.c.linked_account_id == linked_account_id)
    return connection.execute(statement).scalar_one_or_none() is AccountStatus.DELETED


#: Cobalt's name for the notification that an application was connected.
_CREATED = "Connection Created"
#: The latest notifications of a connection that are looked through; a customer connects far less often.
_LOOKED_THROUGH = 50


def find_connected_times(connection: Connection, linked_account_id: str, slug: str) -> list[datetime]:
    """Find when an application was connected, as Cobalt's latest notifications tell it, in whole seconds."""
    n = notifications.c
    is_its = (n.linked_account_id == linked_account_id, n.slug == slug, n.event == _CREATED)
    latest = select(n.payload).where(*is_its).order_by(n.number.desc()).limit(_LOOKED_THROUGH)
    moments = (_created_at(payload) for payload in connection.execute(latest).scalars())
    return [moment for moment in moments if moment is not None]


def without_body(event: str, payload: Any) -> Any:
    """Return what stays of a notification's body once it is old: what `find_connected_times` reads of it."""
    return {"createdAt": payload["createdAt"]} if event == _CREATED and _created_at(payload) is not None else None


def _created_at(payload: Any) -> datetime | None:
    told = payload.get("createdAt") if isinstance(payload, Mapping) else None
    if not isinstance(told, str):
        return None
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, OverflowError):  # the second one for a zone of many digits
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run of a workflow that ended, as Cobalt notified it. `error`: why it errored; None for any other ending."""

    linked_account_id: str
    workflow_id: str
    ending: RunEnding
    config_id: str | None
    workflow_name: str | None
    status: str | None
    error: str | None


def record_workflow_run(connection: Connection, run: EndedRun, *, at: datetime) -> None:
    """Count a run of a workflow and record it as the latest."""
    latest = {
        "config_id": run.config_id,
        "workflow_name": run.workflow_name,
        "last_status": run.status,
        "last_run_at": at,
        **({} if run.error is None else {"last_error": run.error, "last_errored_at": at}),
    }
    key = {"linked_account_id": run.linked_account_id, "workflow_id": run.workflow_id}
    upsert(
        connection,
        workflow_runs,
        {**key, **latest, run.ending: 1},
        **{**latest, run.ending: workflow_runs.c[run.ending] + 1},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Our webhook at Cobalt, and since when Cobalt has it."""

    url: str
    since: datetime


def find_subscription(connection: Connection) -> Subscription | None:
    """Find our webhook; None: it was never registered."""
    statement = select(state.c.value).where(state.c.key == StateKey.WEBHOOK)
    value = connection.execute(statement).scalar_one_or_none()
    return None if value is None else Subscription(url=value["url"], since=datetime.fromisoformat(value["since"]))


def record_subscription(connection: Connection, subscription: Subscription) -> None:
    """Record which webhook is ours."""
    value = {"url": subscription.url, "since": subscription.since.isoformat()}
    upsert(connection, state, {"key": StateKey.WEBHOOK, "value": value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Cobalt sent nothing since then, while that many runs of the reconciliation found something to repair."""

    since: datetime
    repairing_runs: int


def find_silence(connection: Connection) -> Silence | None:
    """Find how long Cobalt has been silent; None: no webhook was registered, so that silence is expected."""
    subscription = find_subscription(connection)
    if subscription is None:
        return None
    latest = select(func.max(notifications.c.received_at, type_=notifications.c.received_at.type))
    received_at = connection.execute(latest.where(notifications.c.event != DELIVERY_TEST)).scalar_one()
    since = subscription.since if received_at is None else max(received_at, subscription.since)
    repairing = select(func.count()).where(runs.c.finished_at.is_not(None), runs.c.repaired > 0)
    return Silence(
        since=since, repairing_runs=connection.execute(repairing.where(runs.c.started_at > since)).scalar_one()
    )
