"""Which right a role lacks to migrate, and the statement that gives it."""

from sqlalchemy import Connection, text

# quote_ident writes names as they have to stand in the statements that we propose.
_RIGHTS = text("""
    SELECT quote_ident(current_user) AS role, quote_ident(current_database()) AS database,
           quote_ident(:schema) AS schema,
           EXISTS (SELECT FROM pg_namespace WHERE nspname = :schema) AS has_schema,
           has_database_privilege(current_database(), 'CREATE') AS may_create_schemas,
           (SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE')
            FROM pg_namespace WHERE nspname = :schema) AS may_create
""")
_OTHERS_TABLE = text("""
    SELECT quote_ident(relname), quote_ident(pg_get_userbyid(relowner))
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = :schema AND relkind IN ('r', 'p', 'v') AND NOT pg_has_role(relowner, 'USAGE')
    ORDER BY relname = 'events' DESC, relname LIMIT 1
""")


def find_missing_right(connection: Connection, schema: str) -> str | None:
    """Say what the connection's role may not do in our schema, and what to run; None when it may do everything."""
    rights = connection.execute(_RIGHTS, {"schema": schema}).mappings().one()
    role, ours = rights["role"], rights["schema"]
    if not rights["has_schema"]:
        if rights["may_create_schemas"]:
            return None
        return (
            f"role {role} may not create the schema {ours}: it lacks CREATE on the database {rights['database']}; "
            f"run `GRANT CREATE ON DATABASE {rights['database']} TO {role}` "
            f"or `CREATE SCHEMA {ours} AUTHORIZATION {role}` as the database's owner"
        )
    if not rights["may_create"]:
        return (
            f"role {role} may not create tables in the schema {ours}: it lacks CREATE or USAGE on it; "
            f"run `GRANT USAGE, CREATE ON SCHEMA {ours} TO {role}` as the schema's owner"
        )
    table = connection.execute(_OTHERS_TABLE, {"schema": schema}).first()
    if table is None:
        return None
    return (
        f"role {role} may not change the table {ours}.{table[0]}: it belongs to role {table[1]}; "
        f"run `cobalt-mirror migrate` as {table[1]}, or `GRANT {table[1]} TO {role}`"
    )
