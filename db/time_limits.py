"""How long a command that an operator waits for may wait for the database."""

from sqlalchemy import Connection, text

#: For a lock that another transaction has, and for a statement as a whole.
LOCK_SECONDS, STATEMENT_SECONDS = 3, 30
_LIMIT = text(
    f"SELECT set_config('lock_timeout', '{LOCK_SECONDS}s', true),"
    f" set_config('statement_timeout', '{STATEMENT_SECONDS}s', true)"
)


def limit_waits(connection: Connection) -> None:
    """Let the statements of this transaction fail rather than hang; nothing on SQLite, whose readers do not wait."""
    if connection.dialect.name != "sqlite":
        connection.execute(_LIMIT)
