"""Create the event log, the mirror, its history and view, and the trigger that stamps a removal."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The types as they were when this version was written.
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON = sa.Text().with_variant(JSONB(), "postgresql")
TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")

TABLES = ("state", "checks", "work", "history", "applications", "configs", "connections", "linked_accounts", "events")
TIMES = ("occurred_at", "recorded_at", "due_at")
PENDING = sa.text("status = 'pending'")
DEAD = sa.text("status = 'dead'")


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    create_event_log(schema)
    create_mirror(schema)
    create_coordination(schema)
    create_integrations(prefix(schema))
    stamp_removals(prefix(schema))


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    ours = prefix(schema)
    op.execute(f"DROP VIEW {ours}integrations")
    if schema is None:
        op.execute("DROP TRIGGER stamp_removal")
    else:
        op.execute(f"DROP TRIGGER stamp_removal ON {ours}events")
        op.execute(f"DROP FUNCTION {ours}stamp_removal()")
    for name in TABLES:
        op.drop_table(name, schema=schema)


def prefix(schema: str | None) -> str:
    """What stands before a name of ours in SQL; the schema may bear the name of a keyword."""
    return f'"{schema}".' if schema else ""


def create_event_log(schema: str | None) -> None:
    if schema is None:
        now = sa.text("(strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')")
        new_id = sa.text("(lower(hex(randomblob(16))))")
        # SQLite stores whatever it is given; PostgreSQL's types refuse the same by themselves.
        time = "GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]." + "[0-9]" * 6 + "Z'"
        well_formed = [
            sa.CheckConstraint("json_valid(payload)", name="ck_events_payload"),
            *(sa.CheckConstraint(f"{name} {time}", name=f"ck_events_{name}") for name in TIMES),
        ]
    else:
        now = sa.text("clock_timestamp()")
        new_id = sa.text("gen_random_uuid()::text")
        well_formed = []
    op.create_table(
        "events",
        sa.Column("source", ID, server_default=sa.text("'host'"), nullable=False),
        sa.Column("id", ID, server_default=new_id, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("linked_account_id", ID, nullable=False),
        sa.Column("slug", ID, nullable=True),
        sa.Column("payload", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("occurred_at", TIME, server_default=now, nullable=False),
        sa.Column("recorded_at", TIME, server_default=now, nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("looks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", TIME, server_default=now, nullable=False),
        sa.Column("retrying_since", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("move", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("alone", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("meant_for", JSON, nullable=True),
        sa.Column("effect", JSON, nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('pending', 'done', 'superseded', 'dead')", name=op.f("ck_events_status")),
        *well_formed,
        sa.PrimaryKeyConstraint("source", "id"),
        schema=schema,
    )
    op.create_index(
        "ix_events_dead",
        "events",
        ["finished_at"],
        unique=False,
        schema=schema,
        postgresql_where=DEAD,
        sqlite_where=DEAD,
    )
    op.create_index(
        "ix_events_due",
        "events",
        ["due_at"],
        unique=False,
        schema=schema,
        postgresql_where=PENDING,
        sqlite_where=PENDING,
    )
    op.create_index(
        "ix_events_pending",
        "events",
        ["linked_account_id"],
        unique=False,
        schema=schema,
        postgresql_where=PENDING,
        sqlite_where=PENDING,
    )
    op.create_index(
        "ix_events_subject", "events", ["linked_account_id", "slug", "occurred_at", "id"], unique=False, schema=schema
    )


def create_mirror(schema: str | None) -> None:
    op.create_table(
        "linked_accounts",
        sa.Column("linked_account_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("udf", JSON, nullable=True),
        sa.Column("environment", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("verified_at", TIME, nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'missing', 'deleted')", name=op.f("ck_linked_accounts_status")
        ),
        sa.PrimaryKeyConstraint("linked_account_id"),
        schema=schema,
    )
    op.create_table(
        "connections",
        sa.Column("linked_account_id", ID, nullable=False),
        sa.Column("slug", ID, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("accounts", JSON, nullable=True),
        sa.Column("connected_at", TIME, nullable=True),
        sa.Column("verified_at", TIME, nullable=True),
        sa.CheckConstraint(
            "status IN ('connected', 'reauth_required', 'disconnected')", name=op.f("ck_connections_status")
        ),
        sa.PrimaryKeyConstraint("linked_account_id", "slug"),
        schema=schema,
    )
    op.create_table(
        "configs",
        sa.Column("linked_account_id", ID, nullable=False),
        sa.Column("slug", ID, nullable=False),
        sa.Column("config_id", ID, nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("workflows", JSON, nullable=False),
        sa.Column("schema", JSON, nullable=False),
        sa.Column("field_errors", JSON, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("verified_at", TIME, nullable=True),
        sa.CheckConstraint("status IN ('installed', 'deleted')", name=op.f("ck_configs_status")),
        sa.PrimaryKeyConstraint("linked_account_id", "slug", "config_id"),
        schema=schema,
    )
    op.create_table(
        "applications",
        sa.Column("slug", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("icon", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("auth_types", JSON, nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("verified_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("slug"),
        schema=schema,
    )
    op.create_table(
        "history",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("linked_account_id", ID, nullable=True),
        sa.Column("slug", ID, nullable=True),
        sa.Column("config_id", ID, nullable=True),
        sa.Column("changes", JSON, nullable=False),
        sa.Column("because", JSON, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        schema=schema,
        sqlite_autoincrement=True,
    )
    op.create_index("ix_history_account", "history", ["linked_account_id", "number"], unique=False, schema=schema)


def create_coordination(schema: str | None) -> None:
    op.create_table(
        "work",
        sa.Column("linked_account_id", ID, nullable=False),
        sa.Column("sent_until", TIME, nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("leased_until", TIME, nullable=True),
        sa.Column("slug", ID, nullable=True),
        sa.PrimaryKeyConstraint("linked_account_id"),
        schema=schema,
    )
    op.create_table(
        "checks",
        sa.Column("linked_account_id", ID, nullable=False),
        sa.Column("slug", ID, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("again_at", TIME, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("linked_account_id", "slug"),
        schema=schema,
    )
    op.create_index("ix_checks_due_at", "checks", ["due_at"], unique=False, schema=schema)
    op.create_table(
        "state",
        sa.Column("key", ID, nullable=False),
        sa.Column("value", JSON, nullable=False),
        sa.PrimaryKeyConstraint("key"),
        schema=schema,
    )


def create_integrations(ours: str) -> None:
    op.execute(f"""
        CREATE VIEW {ours}integrations AS
        SELECT a.linked_account_id, p.slug, p.name, p.icon, p.description, p.tags, p.auth_types,
               CASE c.status
                   WHEN 'connected' THEN 'connected' WHEN 'reauth_required' THEN 'reconnect' ELSE 'connect'
               END AS state
        FROM {ours}linked_accounts a
        CROSS JOIN {ours}applications p
        LEFT JOIN {ours}connections c ON c.linked_account_id = a.linked_account_id AND c.slug = p.slug
        WHERE p.enabled AND a.status IN ('pending', 'active')
    """)


def stamp_removals(ours: str) -> None:
    """Note in the row of a removal which connection the mirror shows at that moment: that one it is meant for.

    Only a removal that happened just now can mean what the mirror shows; a quarter of an hour allows for clocks.
    """
    if ours:
        op.execute(f"""
            CREATE FUNCTION {ours}stamp_removal() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                NEW.meant_for := (SELECT accounts FROM {ours}connections
                    WHERE linked_account_id = NEW.linked_account_id AND slug = NEW.slug);
                RETURN NEW;
            END $$
        """)
        op.execute(f"""
            CREATE TRIGGER stamp_removal BEFORE INSERT ON {ours}events FOR EACH ROW
            WHEN (NEW.type = 'connection_removed' AND NEW.meant_for IS NULL
                  AND NEW.occurred_at > NEW.recorded_at - interval '15 minutes')
            EXECUTE FUNCTION {ours}stamp_removal()
        """)
    else:
        op.execute("""
            CREATE TRIGGER stamp_removal AFTER INSERT ON events FOR EACH ROW
            WHEN NEW.type = 'connection_removed' AND NEW.meant_for IS NULL
                 AND julianday(NEW.occurred_at) > julianday(NEW.recorded_at) - 15.0 / 1440
            BEGIN
                UPDATE events SET meant_for = (SELECT accounts FROM connections
                    WHERE linked_account_id = NEW.linked_account_id AND slug = NEW.slug)
                WHERE source = NEW.source AND id = NEW.id;
            END
        """)
