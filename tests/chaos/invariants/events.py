"""No accepted event is lost, and none is dead without a reason."""

from collections import Counter
from collections.abc import Iterator

from cobalt_mirror.events import ConfigChanged, ConfigRemoved, Event
from tests.chaos.evidence import Evidence, Row
from tests.chaos.invariants.finding import Finding
from tests.chaos.invariants.lives import Lives
from tests.chaos.steps import REFUSED

_FINAL = ("done", "superseded", "dead")


def find_lost(evidence: Evidence) -> Finding:
    """Check that every accepted event is in the log as it was published, and has ended."""
    rows = [row for row in evidence.rows["events"] if row.get("fingerprint") not in evidence.poisoned]
    log = {(row["source"], row["id"]): row for row in rows}
    ends = Counter(row["status"] for row in log.values())
    return Finding(
        name="no accepted event is lost",
        counts={"accepted": len(evidence.accepted), **{status: ends[status] for status in _FINAL}},
        violations=[*_violations(evidence, log)],
    )


def _violations(evidence: Evidence, log: dict[tuple[str, str], Row]) -> Iterator[str]:
    yield from (f"refused without a reason: {one}" for one in evidence.complaints)
    yield from (f"{key} is in the log, but was never published" for key in log.keys() - evidence.accepted.keys())
    lives = Lives(evidence.effects)
    deleted_by_hand = {one.arguments["linked_account_id"] for one in evidence.by_hand if one.action == "delete_account"}
    for key, event in evidence.accepted.items():
        row = log.get(key)
        if row is None:
            yield f"{key} was accepted and is not in the log"
        elif row["status"] not in _FINAL:
            yield f"{key} is {row['status']} for ever: {row['attempts']} attempts, {row['last_error'] or row['detail']}"
        elif (row["type"], row["occurred_at"]) != (event.type, event.occurred_at):
            yield f"{key} is not what was published: {row['type']} at {row['occurred_at']}"
        elif row["status"] == "dead" and not (
            _may_die(event, row, deleted_by_hand) or _lacks_its_connection(event, row, lives)
        ):
            yield f"{key}, {row['type']}, is dead without a valid reason: {row['last_error']}"


def _may_die(event: Event, row: Row, deleted_by_hand: set[str]) -> bool:
    """Return whether an event may be dead: Cobalt had to refuse it, its account was deleted, or it came too late."""
    reason = row["last_error"] or ""
    return (
        event.id.endswith(REFUSED)
        or (event.linked_account_id in deleted_by_hand and "no longer has this account" in reason)
        or (event.type == "user_deleted" and "a newer user_signed_up is done already" in reason)
    )


def _lacks_its_connection(event: Event, row: Row, lives: Lives) -> bool:
    """Return whether an event of a config may be dead: its connection was not there, or it names none of several."""
    if not isinstance(event, ConfigChanged | ConfigRemoved):
        return False
    reason = row["last_error"] or ""
    there = [
        life
        for life in lives.of(event.linked_account_id, event.slug)
        if life.was_there_within(row["recorded_at"], row["finished_at"])
    ]
    if "which of them?" in reason:
        return event.connection_id is None and len(there) > 1
    always = [life for life in there if life.was_there(row["recorded_at"]) and life.was_there(row["finished_at"])]
    is_named = [life for life in always if event.connection_id in {None, life.connection_id}]
    return "Cobalt does not show a" in reason and not is_named
