"""The change feed tells of everything that the mirror shows, once, and in order for each account."""

from collections.abc import Iterator, Sequence

from cobalt_mirror.db.statuses import AccountStatus, ChangeType, ConnectionStatus, EventStatus
from tests.chaos.evidence import Evidence, Row
from tests.chaos.invariants.finding import Finding

_ACCOUNT_SAYS = {
    ChangeType.ACCOUNT_CREATED: AccountStatus.ACTIVE,
    ChangeType.ACCOUNT_MISSING: AccountStatus.MISSING,
    ChangeType.ACCOUNT_DELETED: AccountStatus.DELETED,
}


def find_untold(evidence: Evidence) -> Finding:
    """Check the positions, and compare the last that the feed says of each row with the row."""
    entries = sorted(evidence.rows["changes"], key=lambda entry: entry["position"] or 0)
    return Finding(
        name="the feed tells of every change",
        counts={"entries": len(entries)},
        violations=[
            *_misplaced(entries),
            *_wrong_accounts(entries, evidence.rows["linked_accounts"]),
            *_wrong_connections(entries, evidence.rows["connections"]),
            *_untold_deaths(entries, evidence.rows["events"]),
        ],
    )


def _misplaced(entries: Sequence[Row]) -> Iterator[str]:
    if [entry["position"] for entry in entries] != list(range(1, len(entries) + 1)):
        yield f"the positions of {len(entries)} entries are not 1, 2, 3 and so on"
    last: dict[str, int] = {}
    for entry in entries:
        account = entry["linked_account_id"]
        if last.get(account, 0) > entry["number"] and account is not None:
            yield f"{account}: entry {entry['number']} comes after {last[account]}"
        last[account] = entry["number"]


def _wrong_accounts(entries: Sequence[Row], rows: Sequence[Row]) -> Iterator[str]:
    said = {each["linked_account_id"]: _ACCOUNT_SAYS[each["type"]] for each in entries if each["type"] in _ACCOUNT_SAYS}
    for row in rows:
        account, status = row["linked_account_id"], row["status"]
        if status is not AccountStatus.PENDING and said.get(account) is not status:
            yield f"{account} is {status}, and the feed says {said.get(account)}"


def _wrong_connections(entries: Sequence[Row], rows: Sequence[Row]) -> Iterator[str]:
    types: dict[tuple[str, str], list[ChangeType]] = {}
    for entry in entries:
        if entry["type"].startswith("connection."):
            types.setdefault((entry["linked_account_id"], entry["slug"]), []).append(entry["type"])
    for row in rows:
        key = row["linked_account_id"], row["slug"]
        told = types.get(key, [])
        is_gone = not told or told[-1] is ChangeType.CONNECTION_REMOVED
        if row["status"] is ConnectionStatus.DISCONNECTED and not is_gone:
            yield f"{key} is disconnected, and the feed says at last {told[-1]}"
        if row["status"] is not ConnectionStatus.DISCONNECTED and {*told} <= {ChangeType.CONNECTION_REMOVED}:
            yield f"{key} is {row['status']}, and the feed says {told}"


def _untold_deaths(entries: Sequence[Row], rows: Sequence[Row]) -> Iterator[str]:
    told = {
        (entry["data"]["source"], entry["data"]["id"]) for entry in entries if entry["type"] is ChangeType.EVENT_DEAD
    }
    for row in rows:
        key = row["source"], row["id"]
        if row["status"] is EventStatus.DEAD and key not in told and all(isinstance(part, str) for part in key):
            yield f"{row['id']} is dead, and the feed does not say so"
