"""The keys in `MIRROR_SECRET_KEYS`: what each of them seals, and what to do about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.sealed import Place, SealedEvent, count_by_fingerprint, read_unnamed
from cobalt_mirror.db.vault import Vault

#: How many rows a page has of those whose key is found by trying.
_TRIED_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """What a key seals.

    Attributes:
        position: its place in MIRROR_SECRET_KEYS, from 1 on.
        fingerprint: what it is known by, also in the values that it seals.
        named: how many events have a value that names it.
        tried: how many events of an older release have a value that it opens.
        same_as: the place of the same key before it, to which both numbers belong; None: there is none.
    """

    position: int
    fingerprint: str
    named: int
    tried: int
    same_as: int | None = None

    @property
    def seals(self) -> int:
        """How many events it seals."""
        return self.named + self.tried


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReport:
    """What seals the events of the log.

    Attributes:
        keys: the keys in MIRROR_SECRET_KEYS.
        unknown: how many events are sealed by other keys, by their fingerprints.
        unopened: how many values of an older release no key opens.
        untried: how many values of an older release were not tried.
    """

    keys: Sequence[KeyUse]
    unknown: dict[str, int]
    unopened: int
    untried: int = 0

    @property
    def lost(self) -> int:
        """How many events no key in MIRROR_SECRET_KEYS opens."""
        return sum(self.unknown.values()) + self.unopened


def examine_keys(engine: Engine, vault: Vault, *, most_tried: int | None = None) -> KeyReport:
    """Count what each key seals.

    Args:
        engine: the database.
        vault: the keys.
        most_tried: how many values that name no key are tried at most; None: all.
    """
    with reading(engine).begin() as connection:
        counts = count_by_fingerprint(connection)
    unnamed = counts.pop(None, 0)
    tried, openers = 0, dict.fromkeys([None, *range(len(vault.keys))], 0)
    for event in _read_unnamed(engine) if unnamed else ():
        if tried == most_tried:
            break
        tried += 1
        openers[vault.find_opener(event.token)] += 1
    fingerprints = vault.key_fingerprints()
    keys = []
    for number, fingerprint in enumerate(fingerprints):
        first = fingerprints.index(fingerprint)
        keys.append(
            KeyUse(
                position=number + 1,
                fingerprint=fingerprint,
                named=counts.pop(fingerprint, 0),
                tried=openers[number],
                same_as=None if first == number else first + 1,
            )
        )
    return KeyReport(
        keys=keys,
        unknown={str(fingerprint): rows for fingerprint, rows in sorted(counts.items(), key=str)},
        unopened=openers[None],
        untried=max(unnamed - tried, 0) if tried == most_tried else 0,
    )


def _read_unnamed(engine: Engine) -> Iterator[SealedEvent]:
    after: Place | None = None
    while True:
        with reading(engine).begin() as connection:
            page = read_unnamed(connection, after=after, limit=_TRIED_AT_ONCE)
        yield from page.events
        if page.last is None:
            return
        after = page.last


# --- in words ---------------------------------------------------------------------------------------------------------

ROTATE = "run `cobalt-mirror secrets rotate`"


def sentences(report: KeyReport) -> Iterator[str]:
    """Say of each key what it seals and what to do, and then what no key opens."""
    if not report.keys:
        sealed = "" if report.lost else ", and nothing is sealed"
        yield f"MIRROR_SECRET_KEYS is not set{sealed}"
    for key in report.keys:
        yield f"key {key.position} (fingerprint {key.fingerprint}) {_use(key)}"
    yield from lost(report)


def _use(key: KeyUse) -> str:
    if key.same_as is not None:
        return f"is key {key.same_as} once more; remove it from MIRROR_SECRET_KEYS"
    older = f", {rows(key.tried)} of them since before sealed values had a fingerprint" if key.tried else ""
    if key.position == 1:
        return f"seals {rows(key.seals)} of events{older}; new secrets are sealed with it"
    if key.seals:
        return f"seals {rows(key.seals)} of events{older}; {ROTATE}, which seals them with key 1"
    return (
        "seals nothing any more; remove it from MIRROR_SECRET_KEYS, unless it is a new key, which has still to move to "
        "the front"
    )


def lost(report: KeyReport) -> Iterator[str]:
    """Say what no key in MIRROR_SECRET_KEYS opens, and what to do."""
    for fingerprint, number in report.unknown.items():
        yield (
            f"{rows(number)} of events: sealed by a key that is not in MIRROR_SECRET_KEYS (fingerprint {fingerprint}); "
            f"add that key at the end, then {ROTATE}"
        )
    if report.unopened:
        yield (
            f"{rows(report.unopened)} of events: sealed by an older release with a key that is not in "
            f"MIRROR_SECRET_KEYS, or not by us; add that key at the end, then {ROTATE}"
        )


def rows(number: int) -> str:
    """Return a number of rows in words."""
    return f"{number:,} row{'' if number == 1 else 's'}"


def as_document(report: KeyReport) -> dict[str, Any]:
    """Return the report as JSON has it, with the numbers of rows by table."""
    return {
        "keys": [
            {
                "position": key.position,
                "fingerprint": key.fingerprint,
                "rows": {"events": key.seals},
                "rows_without_fingerprint": {"events": key.tried},
                "same_as": key.same_as,
            }
            for key in report.keys
        ],
        "keys_not_configured": [
            {"fingerprint": fingerprint, "rows": {"events": number}} for fingerprint, number in report.unknown.items()
        ],
        "opened_by_no_key": {"events": report.unopened},
    }
