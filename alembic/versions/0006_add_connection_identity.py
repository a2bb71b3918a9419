"""Add what tells connections apart: `configs.connection_id`, the ids of applications, and counts in `integrations`.

The key of `configs` follows in 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The types as they were when this version was written.
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

ADDED: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("configs", "connection_id", {"type_": ID, "nullable": False, "server_default": sa.text("''")}),
    ("history", "connection_id", {"type_": ID}),
    ("applications", "app_id", {"type_": ID}),
    ("applications", "type", {"type_": sa.Text()}),
    ("applications", "kind", {"type_": sa.Text()}),
    (
        "applications",
        "has_multi_auth",
        {"type_": sa.Boolean(), "nullable": False, "server_default": sa.text("false")},
    ),
    ("runs", "unmapped", {"type_": sa.Integer(), "nullable": False, "server_default": sa.text("0")}),
)

#: How many accounts a connection holds, and how many of them work no more; NULL where only the listing was seen.
COUNTS = {
    "sqlite": (
        "CASE WHEN json_type(c.accounts) = 'array' THEN json_array_length(c.accounts) END",
        """CASE WHEN json_type(c.accounts) = 'array' THEN
               (SELECT count(*) FROM json_each(c.accounts)
                WHERE json_extract(value, '$.status') IS NOT 'active') END""",
    ),
    "postgresql": (
        "CASE WHEN jsonb_typeof(c.accounts) = 'array' THEN jsonb_array_length(c.accounts) END",
        """CASE WHEN jsonb_typeof(c.accounts) = 'array' THEN
               (SELECT count(*)::integer FROM jsonb_array_elements(c.accounts) AS each
                WHERE each ->> 'status' IS DISTINCT FROM 'active') END""",
    ),
}


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    for table, name, options in ADDED:
        op.add_column(table, sa.Column(name, **options), schema=schema)
    ours, dialect = prefix(schema), op.get_context().dialect.name
    if dialect == "sqlite":  # which cannot replace a view
        op.execute(f"DROP VIEW {ours}integrations")
    create_integrations(ours, dialect, with_counts=True)


def downgrade() -> None:
    """Go back. Columns of a view go only with the view itself, and so do rights on `integrations`: grant them anew."""
    schema = op.get_context().opts["schema"]
    ours, dialect = prefix(schema), op.get_context().dialect.name
    op.execute(f"DROP VIEW {ours}integrations")
    for table, name, _ in reversed(ADDED):
        op.drop_column(table, name, schema=schema)
    create_integrations(ours, dialect, with_counts=False)


def prefix(schema: str | None) -> str:
    """What stands before a name of ours in SQL; the schema may bear the name of a keyword."""
    return f'"{schema}".' if schema else ""


def create_integrations(ours: str, dialect: str, *, with_counts: bool) -> None:
    connected, attention = COUNTS[dialect]
    counts = f""",
               CASE WHEN c.slug IS NULL THEN 0 ELSE {connected} END AS connected,
               CASE WHEN c.slug IS NULL THEN 0 ELSE {attention} END AS needs_attention"""
    # Replacing the view keeps the rights that hosts' roles have on it.
    op.execute(f"""
        CREATE {"VIEW" if dialect == "sqlite" else "OR REPLACE VIEW"} {ours}integrations AS
        SELECT a.linked_account_id, p.slug, p.name, p.icon, p.description, p.tags, p.auth_types,
               CASE c.status
                   WHEN 'connected' THEN 'connected' WHEN 'reauth_required' THEN 'reconnect' ELSE 'connect'
               END AS state{counts if with_counts else ""}
        FROM {ours}linked_accounts a
        CROSS JOIN {ours}applications p
        LEFT JOIN {ours}connections c ON c.linked_account_id = a.linked_account_id AND c.slug = p.slug
        WHERE p.enabled AND a.status IN ('pending', 'active')
    """)
