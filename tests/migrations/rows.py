"""A row in every table at version 0005, as an installation of that time left them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, text

from cobalt_mirror.db.engine import reading

NOON = "2026-01-31T12:00:00.000000Z"
ACTIVE = '{"identifier":"T1","auth_type":"oauth2","connected_at":"2026-01-31T12:00:00.000000Z","status":"active"}'
EXPIRED = '{"identifier":null,"auth_type":"keybased","connected_at":null,"status":"expired"}'
ACME_SLACK = {"linked_account_id": "acme", "slug": "slack"}

_LINK = {"connected_at": NOON, "verified_at": NOON}
_CONFIG = {"workflows": "[]", "schema": "{}", "field_errors": "[]", "verified_at": NOON}
_ACME_CONFIG = {**ACME_SLACK, "config_id": "acme"}
_APPLICATION = {"tags": "[]", "auth_types": "[]", "verified_at": NOON}

#: By table. JSON and times are in the form in which both databases take them as text.
ROWS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "linked_accounts": [
        {"linked_account_id": "acme", "name": "Acme", "udf": '{"plan":"pro"}', "status": "active"},
        {"linked_account_id": "gone", "status": "deleted"},
    ],
    "connections": [
        {**ACME_SLACK, "status": "connected", "accounts": f"[{ACTIVE}]", **_LINK},
        {"linked_account_id": "acme", "slug": "jira", "status": "reauth_required", "accounts": f"[{ACTIVE},{EXPIRED}]"},
        {"linked_account_id": "acme", "slug": "hubspot", "status": "connected", "accounts": None},
        {"linked_account_id": "acme", "slug": "github", "status": "disconnected", "accounts": "[]"},
        # The host has an application of this very slug, and a worker has read it.
        {"linked_account_id": "bolt", "slug": "custom", "status": "connected", "accounts": f"[{ACTIVE}]"},
    ],
    "configs": [
        {**_ACME_CONFIG, "fields": '{"channel":"alerts"}', "status": "installed", **_CONFIG},
        {**ACME_SLACK, "config_id": "eu", "fields": "{}", "status": "installed", **_CONFIG},
        {
            "linked_account_id": "gone",
            "slug": "jira",
            "config_id": "gone",
            "fields": "{}",
            "status": "deleted",
            **_CONFIG,
        },
    ],
    "applications": [
        {"slug": slug, "name": slug.title(), **_APPLICATION}
        for slug in ("github", "hubspot", "jira", "notion", "slack")
    ],
    "history": [
        {
            "recorded_at": NOON,
            "what": "connection",
            **ACME_SLACK,
            "changes": '{"status":[null,"connected"]}',
            "because": "{}",
        },
        {"recorded_at": NOON, "what": "config", **_ACME_CONFIG, "changes": "{}", "because": "{}"},
    ],
    "events": [
        {"id": "sign-up", "type": "user_signed_up", "linked_account_id": "acme", "status": "done", "finished_at": NOON},
        {
            "id": "change",
            "type": "config_changed",
            **ACME_SLACK,
            "payload": '{"config_id":"eu"}',
            "status": "dead",
            "move": "customer",
        },
        {"id": "removal", "type": "connection_removed", **ACME_SLACK, "occurred_at": NOON, "meant_for": f"[{ACTIVE}]"},
    ],
    "work": [{"linked_account_id": "acme", "sent_until": NOON}],
    "checks": [{**ACME_SLACK, "due_at": NOON, "reason": "a second read"}],
    "state": [{"key": "environment", "value": '"test"'}],
    "notifications": [{"received_at": NOON, "event": "Connection Created", **ACME_SLACK, "payload": "{}"}],
    "workflow_runs": [{"linked_account_id": "acme", "workflow_id": "w1", "last_run_at": NOON, "completed": 3}],
    "runs": [{"id": "run", "options": "{}", "started_at": NOON, "walking_since": NOON, "finished_at": NOON}],
    "walked": [{"run_id": "run", "linked_account_id": "acme"}],
    "suspicions": [{"run_id": "run", **ACME_SLACK, "kind": "connection", "differences": "{}"}],
    "looks": [{**ACME_SLACK, "looked_at": NOON}],
    "deletions": [{"linked_account_id": "gone", "source": "host", "event_id": "end", "occurred_at": NOON}],
}
#: What a reconciliation took for connections called `custom`, as it did not know custom applications; the next one
#: finds out.
INVENTED = [
    {"linked_account_id": account, "slug": "custom", "status": "connected", "accounts": None}
    for account in ("acme", "cleo")
]


def insert_rows(engine: Engine) -> None:
    """Insert all of them."""
    with engine.begin() as connection:
        for table, rows in {**ROWS, "connections": [*ROWS["connections"], *INVENTED]}.items():
            for row in rows:
                names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
                connection.execute(text(f"INSERT INTO {ours(engine)}{table} ({names}) VALUES ({places})"), dict(row))


def select_rows(engine: Engine, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table or view, with whatever columns it has."""
    with reading(engine).begin() as connection:
        found = connection.execute(text(f"SELECT * FROM {ours(engine)}{table}")).mappings()
        return sorted(({str(name): value for name, value in row.items()} for row in found), key=str)


def ours(engine: Engine) -> str:
    """What stands before a name of ours in SQL."""
    return "" if engine.dialect.name == "sqlite" else "cobalt_mirror."
