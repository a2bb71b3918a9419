"""What the mirror knows of the forms that configs are filled in with."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select, tuple_, union_all

from cobalt_mirror.db.engine import execute
from cobalt_mirror.db.statuses import ConfigStatus
from cobalt_mirror.db.tables import configs

#: The types of fields whose values are secrets.
SECRET_TYPES = frozenset({"password", "secret"})

#: How many connections a statement names; SQLite takes 500 SELECTs in a union.
_CONNECTIONS_A_STATEMENT = 100

#: A field of an application: its slug, the workflow that it belongs to (None: the config itself), and its id.
Place = tuple[str, str | None, str]


def find_secret_fields(connection: Connection, wanted: Iterable[tuple[str, str]]) -> set[Place]:
    """Find the fields that hold secrets, as far as the mirror knows.

    Args:
        connection: the transaction to look in.
        wanted: linked account id and slug of each connection that is asked about. The account's own configs are looked
            at, and one config of the application, of any account, for this account may have none yet.
    """
    places, left = set[Place](), iter(sorted(set(wanted)))
    while some := list(islice(left, _CONNECTIONS_A_STATEMENT)):
        own = select(configs.c.slug, configs.c.schema).where(
            tuple_(configs.c.linked_account_id, configs.c.slug).in_(some)
        )
        # A config that was deleted has an empty schema.
        known = select(configs.c.slug, configs.c.schema).where(configs.c.status == ConfigStatus.INSTALLED)
        anyones = [
            select(known.where(configs.c.slug == slug).limit(1).subquery())
            for slug in sorted({slug for _, slug in some})
        ]
        for row in execute(connection, union_all(own, *anyones)):
            places |= _secret_places(row.slug, row.schema)
    return places


def _secret_places(slug: str, form: dict[str, Any]) -> set[Place]:
    parts = [(None, form.get("fields", []))]
    parts += [(workflow["id"], workflow["fields"]) for workflow in form.get("workflows", [])]
    return {
        (slug, workflow_id, field["id"])
        for workflow_id, fields in parts
        for field in fields
        if str(field.get("field_type")).lower() in SECRET_TYPES
    }
