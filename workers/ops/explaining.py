"""What `cobalt-mirror explain` tells of one customer: the verdict and the timeline, read in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from cobalt_mirror.db import find_account, list_connections, story
from cobalt_mirror.db.deletions import find_deletion
from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.pauses import Pause, list_pauses
from cobalt_mirror.db.processes import list_processes
from cobalt_mirror.db.runs import list_runs
from cobalt_mirror.db.state import find_halt
from cobalt_mirror.db.time_limits import limit_waits
from cobalt_mirror.db.waiting import find_longest_due
from cobalt_mirror.workers.handlers.pausing import find_pause
from cobalt_mirror.workers.ops.actions import Facts, list_actions
from cobalt_mirror.workers.ops.customer import unknown_account
from cobalt_mirror.workers.ops.overview import find_brake
from cobalt_mirror.workers.ops.standing import Standing
from cobalt_mirror.workers.ops.timeline import Line, StoredRows, make_lines
from cobalt_mirror.workers.ops.verdict import CustomerVerdict, decide
from cobalt_mirror.workers.settings import Settings

#: The most pending events that are listed.
_MOST_PENDING = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which customer, and how much of what happened.

    Attributes:
        account: The linked account id.
        slug: Only this application, and the account itself; None: all of the account.
        since: Nothing that happened before; None: from the beginning.
        limit: Largest number of lines of what happened.
    """

    account: str
    slug: str | None = None
    since: datetime | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a customer stands at one moment, and what happened until then."""

    at: datetime
    verdict: CustomerVerdict
    lines: Sequence[Line]


def explain(engine: Engine, question: Question, settings: Settings, *, clock: Clock = database_clock) -> Explanation:
    """Read and tell.

    Raises:
        NotReady: Neither the mirror nor the event log has the account. Check the id, and which database it is.
    """
    with reading(engine).begin() as connection:
        limit_waits(connection)
        at = clock(connection)
        standing = _standing(connection, question, settings, at)
        rows = _rows(connection, question, standing)
        is_known = standing.account is not None or standing.deletion is not None or bool(rows.events)
        if not is_known and not story.list_stored_events(connection, question.account, None, since=None, limit=1):
            raise unknown_account(question.account, settings.described_url())
    lines = make_lines(rows, since=question.since, limit=question.limit)
    return Explanation(at=at, verdict=decide(standing), lines=lines)


def _standing(connection: Connection, question: Question, settings: Settings, at: datetime) -> Standing:
    account, slug = question.account, question.slug
    connections = list_connections(connection, account)
    pending = story.list_pending(connection, account, slug, limit=_MOST_PENDING)
    return Standing(
        at=at,
        account_id=account,
        halt=find_halt(connection),
        pause=_find_pause(list_pauses(connection, at), question, pending),
        account=find_account(connection, account),
        deletion=find_deletion(connection, account),
        connections=[each for each in connections if slug is None or each.slug == slug],
        status_times=story.find_status_times(connection, account),
        pending=pending,
        stopper=_find_stopper(connection, at),
        failing=story.find_failing(connection, account, slug),
        dead=story.find_dead(connection, account, slug),
        checks=story.list_checks(connection, account, slug),
        is_braked=find_brake(list_runs(connection)) is not None,
        lease_ends=story.find_lease_end(connection, account),
        longest_wait=timedelta(seconds=settings.status_longest_wait_seconds),
    )


def _find_stopper(connection: Connection, at: datetime) -> str | None:
    """Find why our processes carry out nothing, in the words of `status`."""
    facts = Facts(
        at=at,
        newer_schema=None,
        write_failure=None,
        redis_failure=None,
        processes=list_processes(connection),
        halt=None,
        retrying={},
        longest_due=find_longest_due(connection, at),
        longest_wait=timedelta.max,
        brake=None,
        returned=0,
        first_returned=None,
        receivers=(),
        dead={},
    )
    return next((action.text for action in list_actions(facts)), None)


def _find_pause(pauses: Sequence[Pause], question: Question, pending: Sequence[story.StoredEvent]) -> Pause | None:
    """Find a pause that stops what is asked about, or what waits of it."""
    subjects = [(question.slug or "", None), *((event.slug or "", event.type) for event in pending)]
    stopping = (find_pause(pauses, account_id=question.account, slug=slug, type_=type_) for slug, type_ in subjects)
    return next((pause for pause in stopping if pause is not None), None)


def _rows(connection: Connection, question: Question, standing: Standing) -> StoredRows:
    key = (connection, question.account, question.slug)
    return StoredRows(
        halt=standing.halt,
        pause=standing.pause,
        deletion=standing.deletion,
        denied_since=story.find_denied_since(connection, question.account),
        pending=standing.pending,
        checks=standing.checks,
        events=story.list_stored_events(*key, since=question.since, limit=question.limit),
        calls=story.list_calls(*key, since=question.since, limit=question.limit),
        changes=story.list_changes(*key, since=question.since, limit=question.limit),
        notifications=story.list_notifications(*key, since=question.since, limit=question.limit),
        suspected=story.list_suspected(*key, since=question.since, limit=question.limit),
        configs_read=story.list_configs_read(*key),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is new since the last look. `verdict`: None if it is as before."""

    at: datetime
    verdict: CustomerVerdict | None
    lines: Sequence[Line]


def follow(read: Callable[[], Explanation], wait: Callable[[], bool]) -> Iterator[News]:
    """Yield everything first, then what is new at each look, until `wait` returns True: then somebody has ended it.

    Args:
        read: Reads the customer anew.
        wait: Waits until the next look.
    """
    verdict: CustomerVerdict | None = None
    told = set[Line]()
    while True:
        now = read()
        lines = [line for line in now.lines if line not in told]
        is_new = now.verdict != verdict
        if lines or is_new:
            yield News(at=now.at, verdict=now.verdict if is_new else None, lines=lines)
        verdict, told = now.verdict, told | set(lines)
        if wait():
            return
