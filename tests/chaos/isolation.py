"""The plan's bad neighbours: rows that no worker can read, and accounts that fail until the end of the run."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from cobalt_mirror.events import ConfigChanged, UserSignedUp
from tests.chaos.options import Database, Options
from tests.chaos.steps import FaultKind, FaultStep, Planned, PoisonRow, Publish
from tests.integration.isolation.rows import ON_POSTGRESQL, ON_SQLITE, text

#: Ended by the relay's search and not by an attempt, so without a lease.
_NAMELESS = "source, id, "
#: How the ids of the accounts begin that fail until the end of the run.
FAILING = "failing-"


def plan_neighbours(options: Options) -> Iterator[Publish | FaultStep | PoisonRow]:
    """Yield them, in no order."""
    chance, last = Random(f"{options.seed}/neighbours"), options.duration * 0.9
    all_rows = ON_POSTGRESQL if options.database is Database.POSTGRESQL else ON_SQLITE
    rows = [row for row in all_rows if row.reason is not None and not row.reason.startswith(_NAMELESS)]
    for number in range(options.times(options.rates.poison_rows)):
        row, name = chance.choice(rows), f"poison {number:04}"
        columns = {"linked_account_id": text(name), **row.columns}
        is_around = chance.random() < 0.5
        yield PoisonRow(at=chance.uniform(1, last), name=name, row=replace(row, columns=columns), is_around=is_around)
    for number in range(options.times(options.rates.failing_accounts)):
        account, at = f"{FAILING}{number:04}", chance.uniform(1, last)
        rule = {"answer": "error", "status": 500, "linked_account_id": account}
        yield FaultStep(at=at, what=FaultKind.ACCOUNT_FAILS, number=number, faults=(rule,))
        sign_up = {"linked_account_id": account, "name": "Failing", "udf": {}}
        change = {"linked_account_id": account, "slug": "slack", "fields": {"mention": "@failing"}}
        yield Publish(
            at=at + 0.2,
            events=(
                Planned(kind=UserSignedUp, id=f"{account} 1", occurred=at + 0.1, fields=sign_up),
                Planned(kind=ConfigChanged, id=f"{account} 2", occurred=at + 0.11, fields=change),
            ),
        )
