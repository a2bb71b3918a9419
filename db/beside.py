"""Transactions of our own in a host's database, beside the host's."""

import sys
from typing import Any

from sqlalchemy import Engine

from cobalt_mirror.db.engine import HostSession, connection_of
from cobalt_mirror.db.errors import OpenTransaction


def engine_of(session: HostSession) -> Engine:
    """Return the engine of the host's session.

    Raises:
        OpenTransaction: the session is in a transaction.
        TypeError: it is something else, such as an engine or an AsyncSession.
    """
    orm = sys.modules.get("sqlalchemy.orm")  # loaded already if the host has such a session
    opened: Any = session
    if orm is not None and isinstance(opened, orm.scoped_session):
        opened = opened()
    is_session = orm is not None and isinstance(opened, orm.Session)
    engine: Engine = opened.get_bind().engine if is_session else connection_of(opened).engine
    if opened.in_transaction():
        raise OpenTransaction(
            "session: is in a transaction, in which nothing that workers do would show; commit it, then wait"
        )
    return engine
