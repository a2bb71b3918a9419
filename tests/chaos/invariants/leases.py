"""Nothing is recorded by a worker without its lease, and no lease is taken while another holds."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from tests.chaos.audit import Note
from tests.chaos.evidence import Evidence
from tests.chaos.invariants.finding import Finding


def find_unleased(evidence: Evidence) -> Finding:
    """Check the database's audit, transaction by transaction."""
    counts: Counter[str] = Counter({"writes under a lease": 0, "adopted by a reconciliation": 0})
    transactions: defaultdict[str, list[Note]] = defaultdict(list)
    for note in evidence.audit:
        transactions[note.transaction].append(note)
    violations = [line for notes in transactions.values() for line in _unleased(notes, counts)]
    violations += _taken_too_early(evidence.audit, counts)
    return Finding(name="nothing recorded without a lease", counts=counts, violations=violations)


def _unleased(notes: Sequence[Note], counts: "Counter[str]") -> Iterator[str]:
    """Yield writes to accounts whose lease the same transaction did not give back."""
    leased = {one.account for one in notes if one.kind == "work" and _is_return(one)}
    adopted = {one.account for one in notes if one.kind == "history" and "run" in one.details["because"]}
    for note in notes:
        if note.kind not in {"mirror", "history", "event"}:
            continue
        is_insert = note.kind == "history" or note.details["operation"] == "INSERT"
        if note.account in leased:
            counts["writes under a lease"] += 1
        elif note.kind == "event" and _is_nameless(note.account):
            counts["ended by a relay, as no statement can name them"] += 1
        elif note.account in adopted and note.kind != "event" and is_insert:
            counts["adopted by a reconciliation"] += 1
        else:
            yield f"{note.account}: {note.kind} written without a lease at {note.at}: {note.details}"


def _is_nameless(account: str) -> bool:
    """Tell whether an account's id is bytes that are no text, which SQLite takes: see db/strays.py."""
    return "\ufffd" in account or any("\ud800" <= character <= "\udfff" for character in account)


def _is_return(note: Note) -> bool:
    return note.details["operation"] == "DELETE" and note.details["old_token"] is not None


def lost_leases(audit: Sequence[Note]) -> dict[str, datetime]:
    """Return when a worker found for the first time that another had lost its lease, by account."""
    lost: dict[str, datetime] = {}
    for note in filter(_is_taken, audit):
        if note.details["old_token"] is not None:
            lost.setdefault(note.account, note.at)
    return lost


def _is_taken(note: Note) -> bool:
    return note.kind == "work" and note.details["new_token"] not in {None, note.details["old_token"]}


def _taken_too_early(audit: Sequence[Note], counts: "Counter[str]") -> Iterator[str]:
    """Yield leases that were taken before the previous one had ended or expired."""
    counts.update({"leases": 0, "of them taken from the dead": 0})
    for note in filter(_is_taken, audit):
        counts["leases"] += 1
        if note.details["old_token"] is not None:
            counts["of them taken from the dead"] += 1
            if datetime.fromisoformat(note.details["old_until"]) > note.at:
                yield f"{note.account}: a lease that held until {note.details['old_until']} was taken over at {note.at}"
