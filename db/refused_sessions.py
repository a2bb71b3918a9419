"""What a host passes as its session by mistake: the sentences that say what to do instead."""

#: The databases that the mirror can be in, as SQLAlchemy calls them.
DIALECTS = frozenset({"postgresql", "sqlite"})


def describe_refused(session: object) -> str:
    """Say what to do instead of passing something that is no session of SQLAlchemy."""
    kind = type(session)
    must = "session: must be a Session or a Connection of SQLAlchemy"
    match kind.__module__.partition(".")[0]:
        case "sqlalchemy":
            return f"{must}, not {kind.__name__}; for an AsyncSession, await the function whose name ends in `_async`"
        case "django":
            return f"{must}, not Django's; use `publish` of cobalt_mirror.django, or its `session()` to read"
        case module:
            return f"{must}, not {kind.__name__} of {module}; insert the event by SQL (docs/events.md), or pass none"


def describe_other_database(dialect: str) -> str:
    """Say what to do instead of passing a session of a database that cannot hold the mirror."""
    return (
        f"session: is connected to {dialect}, and the mirror is in PostgreSQL or SQLite; pass a session of that "
        "database, or none"
    )
