"""Refuse an event at its INSERT that no worker could read, with a sentence that names the column.

Triggers and not constraints: rows that are there stay as they are, and a worker can still end them. PostgreSQL checks a
constraint, NOT VALID too, whenever such a row is changed; SQLite adds none without writing the whole table anew.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

IDS = ("linked_account_id", "source", "id")
TIMES = ("occurred_at", "recorded_at", "due_at", "retrying_since", "finished_at")
NUMBERS = ("attempts", "looks")
FIRST, LAST, LONGEST, MOST = "1970-01-01", "3000-01-01", 200, 1_000_000
MOVES = "'operator', 'provider', 'customer'"


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    if schema is None:
        refuse_on_sqlite()
    else:
        refuse_on_postgresql(prefix(schema))


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    if schema is None:
        op.execute("DROP TRIGGER refuse_unreadable")
    else:
        op.execute(f"DROP TRIGGER refuse_unreadable ON {prefix(schema)}events")
        op.execute(f"DROP FUNCTION {prefix(schema)}refuse_unreadable()")


def prefix(schema: str | None) -> str:
    """What stands before a name of ours in SQL; the schema may bear the name of a keyword."""
    return f'"{schema}".' if schema else ""


#: What the host is told.
ID = f"must have 1 to {LONGEST} characters and not be blank"
SLUG = f"must have at most {LONGEST} characters"
TYPE = "must not be blank"
PAYLOAD = "must be a JSON object"
TIME = f"must be a time between {FIRST} and {LAST}"
NUMBER = f"must be between 0 and {MOST}"
MOVE = "must be operator, provider, customer or NULL"


def refuse_on_postgresql(ours: str) -> None:
    rules = {
        **{
            f"{name} {ID}": f"btrim(NEW.{name}, E' \\t\\r\\n') <> '' AND char_length(NEW.{name}) <= {LONGEST}"
            for name in IDS
        },
        f"type {TYPE}": "btrim(NEW.type, E' \\t\\r\\n') <> ''",
        f"slug {SLUG}": f"char_length(NEW.slug) <= {LONGEST}",
        f"payload {PAYLOAD}": "jsonb_typeof(NEW.payload) = 'object'",
        **{
            f"{name} {TIME}": f"NEW.{name} >= '{FIRST} 00:00:00+00' AND NEW.{name} < '{LAST} 00:00:00+00'"
            for name in TIMES
        },
        **{f"{name} {NUMBER}": f"NEW.{name} BETWEEN 0 AND {MOST}" for name in NUMBERS},
        f"move {MOVE}": f"NEW.move IN ({MOVES})",
    }
    cases = "\n".join(f"WHEN NOT ({rule}) THEN '{sentence}'" for sentence, rule in rules.items())
    # The function runs only to refuse a row; whether to refuse it is decided without it.
    op.execute(f"""
        CREATE FUNCTION {ours}refuse_unreadable() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'events.%', CASE {cases} END USING ERRCODE = 'check_violation', TABLE = 'events';
        END $$
    """)
    op.execute(f"""
        CREATE TRIGGER refuse_unreadable BEFORE INSERT ON {ours}events FOR EACH ROW
        WHEN (NOT ({" AND ".join(f"({rule})" for rule in rules.values())}))
        EXECUTE FUNCTION {ours}refuse_unreadable()
    """)


def refuse_on_sqlite() -> None:
    def is_text(name: str) -> str:
        return f"typeof(NEW.{name}) = 'text' AND instr(NEW.{name}, char(0)) = 0"

    def is_time(name: str) -> str:
        """Compare with what SQLite makes of it when it calculates: for the 30th of February, the 2nd of March."""
        seconds = f"substr(NEW.{name}, 1, 19)"
        is_real = f"strftime('%Y-%m-%dT%H:%M:%S', {seconds}, '+0 days') IS {seconds}"
        return f"typeof(NEW.{name}) = 'text' AND {is_real} AND NEW.{name} >= '{FIRST}' AND NEW.{name} < '{LAST}'"

    def is_number(name: str) -> str:
        return f"typeof(NEW.{name}) = 'integer' AND NEW.{name} BETWEEN 0 AND {MOST}"

    def filled(name: str) -> str:
        return f"trim(NEW.{name}, ' ' || char(9, 10, 13)) <> ''"

    optional = {
        f"slug {SLUG}": ("slug", f"{is_text('slug')} AND length(NEW.slug) <= {LONGEST}"),
        **{f"{name} {TIME}": (name, is_time(name)) for name in TIMES},
        f"move {MOVE}": ("move", f"NEW.move IN ({MOVES})"),
        **{f"{name} must be JSON": (name, f"json_valid(NEW.{name})") for name in ("meant_for", "effect")},
        "last_response must be JSON": ("last_response", "json_valid(NEW.last_response)"),
        "number must be an integer": ("number", "typeof(NEW.number) = 'integer'"),
    }
    rules = {
        **{f"{name} {ID}": f"{is_text(name)} AND {filled(name)} AND length(NEW.{name}) <= {LONGEST}" for name in IDS},
        f"type {TYPE}": f"{is_text('type')} AND {filled('type')}",
        f"payload {PAYLOAD}": "json_type(NEW.payload) = 'object'",
        **{f"{name} {NUMBER}": is_number(name) for name in NUMBERS},
        "alone must be 0 or 1": "typeof(NEW.alone) = 'integer'",
        **{sentence: f"NEW.{name} IS NULL OR ({rule})" for sentence, (name, rule) in optional.items()},
    }
    refusals = ";\n".join(f"SELECT RAISE(ABORT, 'events.{text}') WHERE NOT ({rule})" for text, rule in rules.items())
    op.execute(f"CREATE TRIGGER refuse_unreadable AFTER INSERT ON events FOR EACH ROW BEGIN {refusals}; END")
