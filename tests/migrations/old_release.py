"""Workers of the release before version 0006, as the statements that they send: their code is gone, they may still run.

The text is theirs, with names in place of positions and `{ours}` in place of the schema. Do not bring it up to date.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

PUBLISH = """
    INSERT INTO {ours}events (source, id, type, linked_account_id, slug, payload, occurred_at, fingerprint)
    VALUES (:source, :id, :type, :linked_account_id, :slug, :payload, :occurred_at, NULL)
    ON CONFLICT (source, id) DO NOTHING
"""
FIND_DUE = """
    SELECT {ours}events.linked_account_id, {ours}events.type, {ours}events.due_at FROM {ours}events
    WHERE {ours}events.status = 'pending' AND {ours}events.due_at <= :now
    AND ({ours}events.linked_account_id NOT IN (SELECT {ours}work.linked_account_id FROM {ours}work
    WHERE {ours}work.sent_until > :now OR {ours}work.leased_until > :now)) ORDER BY {ours}events.due_at
"""
TAKE_LEASE = """
    INSERT INTO {ours}work (linked_account_id, lease_token, leased_until, slug)
    VALUES (:linked_account_id, :lease_token, :leased_until, :slug)
    ON CONFLICT (linked_account_id) DO UPDATE SET lease_token = excluded.lease_token,
    leased_until = excluded.leased_until, slug = excluded.slug WHERE {ours}work.lease_token IS NULL
"""
READ_SUBJECT = """
    SELECT {ours}linked_accounts.linked_account_id AS linked_accounts__linked_account_id,
    {ours}linked_accounts.name AS linked_accounts__name, {ours}linked_accounts.udf AS linked_accounts__udf,
    {ours}linked_accounts.environment AS linked_accounts__environment,
    {ours}linked_accounts.status AS linked_accounts__status,
    {ours}linked_accounts.verified_at AS linked_accounts__verified_at,
    {ours}connections.linked_account_id AS connections__linked_account_id,
    {ours}connections.slug AS connections__slug, {ours}connections.status AS connections__status,
    {ours}connections.accounts AS connections__accounts, {ours}connections.connected_at AS connections__connected_at,
    {ours}connections.verified_at AS connections__verified_at,
    {ours}configs.linked_account_id AS configs__linked_account_id, {ours}configs.slug AS configs__slug,
    {ours}configs.config_id AS configs__config_id, {ours}configs.fields AS configs__fields,
    {ours}configs.workflows AS configs__workflows, {ours}configs.schema AS configs__schema,
    {ours}configs.field_errors AS configs__field_errors, {ours}configs.status AS configs__status,
    {ours}configs.verified_at AS configs__verified_at
    FROM (SELECT 1 AS always) AS subject
    LEFT OUTER JOIN {ours}linked_accounts ON {ours}linked_accounts.linked_account_id = :linked_account_id
    LEFT OUTER JOIN {ours}connections ON {ours}connections.linked_account_id = :linked_account_id
    AND {ours}connections.slug = :slug
    LEFT OUTER JOIN {ours}configs ON {ours}configs.linked_account_id = :linked_account_id
    AND {ours}configs.slug = :slug AND {ours}configs.status = 'installed' ORDER BY {ours}configs.config_id
"""
READ_EVENTS = """
    SELECT {ours}events.source, {ours}events.id, {ours}events.type, {ours}events.linked_account_id,
    {ours}events.slug, {ours}events.payload, {ours}events.occurred_at, {ours}events.recorded_at,
    {ours}events.status, {ours}events.attempts, {ours}events.looks, {ours}events.due_at,
    {ours}events.retrying_since, {ours}events.alone, {ours}events.meant_for, {ours}events.effect
    FROM {ours}events WHERE {ours}events.linked_account_id = :linked_account_id AND {ours}events.slug = :slug
"""
GIVE_BACK = """
    DELETE FROM {ours}work WHERE {ours}work.linked_account_id = :linked_account_id
    AND {ours}work.lease_token = :lease_token
"""
INSERT_ACCOUNT = """
    INSERT INTO {ours}linked_accounts (linked_account_id, name, udf, environment, status, verified_at)
    VALUES (:linked_account_id, 'Acme', '{{}}', 'test', 'active', :now) ON CONFLICT DO NOTHING
"""
UPSERT_CONNECTION = """
    INSERT INTO {ours}connections (linked_account_id, slug, status, accounts, connected_at, verified_at)
    VALUES (:linked_account_id, :slug, 'connected', :accounts, :now, :now)
    ON CONFLICT (linked_account_id, slug) DO UPDATE SET status = excluded.status, accounts = excluded.accounts,
    connected_at = excluded.connected_at, verified_at = excluded.verified_at
"""
INSERT_CONFIG = """
    INSERT INTO {ours}configs
    (linked_account_id, slug, config_id, fields, workflows, schema, field_errors, status, verified_at)
    VALUES (:linked_account_id, :slug, :linked_account_id, :fields, '[]', '{{}}', '[]', 'installed', :now)
    ON CONFLICT DO NOTHING
"""
UPSERT_CONFIG = """
    INSERT INTO {ours}configs
    (linked_account_id, slug, config_id, fields, workflows, schema, field_errors, status, verified_at)
    VALUES (:linked_account_id, :slug, :linked_account_id, :fields, '[]', '{{}}', '[]', 'installed', :now)
    ON CONFLICT (linked_account_id, slug, config_id) DO UPDATE SET fields = excluded.fields,
    workflows = excluded.workflows, schema = excluded.schema, field_errors = excluded.field_errors,
    status = excluded.status, verified_at = excluded.verified_at
"""
DELETE_CONFIGS = """
    UPDATE {ours}configs SET fields = '{{}}', workflows = '[]', schema = '{{}}', field_errors = '[]',
    status = 'deleted', verified_at = :now WHERE {ours}configs.linked_account_id = :linked_account_id
"""
APPEND_HISTORY = """
    INSERT INTO {ours}history (recorded_at, what, linked_account_id, slug, config_id, changes, because)
    VALUES (:now, 'config', :linked_account_id, :slug, :linked_account_id, '{{"fields": [{{}}, {{}}]}}', '{{}}')
"""
FINISH_EVENT = """
    UPDATE {ours}events SET status = 'done', finished_at = :now, last_error = NULL, last_response = NULL, move = NULL,
    detail = NULL WHERE {ours}events.source = :source AND {ours}events.id = :id AND {ours}events.status != 'done'
    AND {ours}events.status != 'superseded' AND {ours}events.status != 'dead'
"""
UPSERT_CHECK = """
    INSERT INTO {ours}checks (linked_account_id, slug, due_at, reason) VALUES (:linked_account_id, '', :now, 'old')
    ON CONFLICT (linked_account_id, slug) DO UPDATE SET due_at = excluded.due_at, reason = excluded.reason
"""
INSERT_APPLICATION = """
    INSERT INTO {ours}applications (slug, name, icon, description, tags, auth_types, enabled, verified_at)
    VALUES (:slug, 'Slack', NULL, NULL, '[]', '[]', true, :now) ON CONFLICT DO NOTHING
"""
INSERT_RUN = """
    INSERT INTO {ours}runs (id, options, started_at, walking_since) VALUES (:id, '{{}}', :now, :now)
"""

#: How long an old worker's lease holds.
LEASE = timedelta(seconds=30)
ACCOUNTS = (
    '[{"identifier": "T1", "auth_type": "oauth2", "connected_at": "2026-01-31T12:00:00.000000Z", "status": "active"}]'
)
#: What both databases say of an upsert whose columns are no key.
REFUSAL = "ON CONFLICT (clause does not match|specification)"


@dataclass(frozen=True, kw_only=True)
class OldWorker:
    """Works on accounts as the old release does; the calls to Cobalt between its two transactions are left out."""

    engine: Engine
    slug: str = "slack"
    fields: str = '{"channel": "alerts"}'
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def publish(self, account: str, **changes: Any) -> None:
        """Publish a change of the account's config, as an old host does; the event's id is the account's."""
        with self.engine.begin() as connection:
            self.send(connection, PUBLISH, account, type="config_changed", **changes)

    def mirror(self, account: str) -> None:
        """Write what it found of a customer for the first time."""
        with self.engine.begin() as connection:
            for statement in (INSERT_ACCOUNT, UPSERT_CONNECTION, INSERT_CONFIG, APPEND_HISTORY):
                self.send(connection, statement, account)

    def attempt(self, account: str) -> None:
        """Carry out the account's event: load under a lease, then save a config that the mirror has already."""
        with self.engine.begin() as connection:
            for statement in (FIND_DUE, TAKE_LEASE, READ_SUBJECT, READ_EVENTS):
                self.send(connection, statement, account)
        with self.engine.begin() as connection:
            for statement in (GIVE_BACK, UPSERT_CONNECTION, UPSERT_CONFIG, APPEND_HISTORY, FINISH_EVENT):
                self.send(connection, statement, account)

    def send(self, connection: Connection, statement: str, account: str, **changes: Any) -> None:
        """Send one of the statements above, about an account."""
        ours = "main." if connection.dialect.name == "sqlite" else "cobalt_mirror."
        now = datetime.now(UTC)
        values = {
            "source": "host",
            "id": account,
            "linked_account_id": account,
            "slug": self.slug,
            "payload": f'{{"fields": {self.fields}}}',
            "fields": self.fields,
            "accounts": ACCOUNTS,
            "lease_token": f"lease of {account}",
            "leased_until": _written(now + LEASE),
            "occurred_at": _written(self.started_at),
            "now": _written(now),
            **changes,
        }
        clause = text(statement.format(ours=ours))
        connection.execute(clause, {name: values[name] for name in clause.compile().params})


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
