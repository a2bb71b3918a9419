"""What a sandbox that begins empty means for a mirror that does not."""

from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.mirror import count_accounts
from cobalt_mirror.workers.settings import Settings


def describe_accounts_from_before(settings: Settings) -> str | None:
    """Return a sentence about accounts that the mirror has and an empty sandbox has not; None if there are none.

    Raises:
        DatabaseError: The database does not answer.
    """
    engine = create_engine(settings)
    try:
        with reading(engine).begin() as connection:
            number = count_accounts(connection)
    finally:
        engine.dispose()
    url = settings.url()
    if url.drivername.startswith("sqlite"):
        anew = f"stop, delete {url.database}, and start again with --fresh"
    else:
        anew = "start again with --fresh and another MIRROR_SCHEMA"
    return (
        f"the sandbox begins empty, but the mirror has active accounts from before ({number}), which the next "
        f"reconcile will find gone; to begin both anew, {anew}"
        if number
        else None
    )
