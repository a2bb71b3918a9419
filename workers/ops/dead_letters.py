"""Dead events as an operator deals with them: what a command would do, its sentence, and the discarding of them."""

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from cobalt_mirror.db.dead_letters import DeadFilter, DeadLetter, count_dead, discard, list_dead
from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.log import SIGN_UP, Key
from cobalt_mirror.db.single_events import get_payloads
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.workers.ops.payloads import show_payloads

#: How many events a transaction discards: others who want these rows wait for no longer than it takes.
_AT_ONCE = 500
#: What makes the same reason another text each time.
_REQUEST_ID = re.compile(r" \(request_id [^)]*\)")
#: What a reason is cut to in a list of reasons, in characters.
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The dead events that a command means.

    Attributes:
        letters: those that it takes, which died first; at most as many as its limit.
        number: how many there are, those beyond the limit included.
        without_credentials: how many of those that it takes are sign-ups whose credentials are deleted.
    """

    letters: Sequence[DeadLetter]
    number: int
    without_credentials: int

    @property
    def keys(self) -> list[Key]:
        """Source and id of each event that the command takes."""
        return [letter.key for letter in self.letters]

    def count(self) -> dict[tuple[Move, str], int]:
        """Count the events that the command takes, by who has to act and the reason; the most frequent first."""
        return count_reasons(self.letters)


def count_reasons(letters: Sequence[DeadLetter]) -> dict[tuple[Move, str], int]:
    """Count dead events by who has to act and the reason, whatever Cobalt's id of the request was."""
    counts = Counter((letter.move, _reason(letter)) for letter in letters)
    return dict(sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1])))


def _reason(letter: DeadLetter) -> str:
    return _REQUEST_ID.sub("", letter.reason or "no reason is recorded")[:_LONGEST_REASON]


def select_dead(engine: Engine, wanted: DeadFilter, *, limit: int) -> Selection:
    """Find the dead events that a command means, without changing anything."""
    with reading(engine).begin() as connection:
        letters = list_dead(connection, wanted, limit=limit)
        sign_ups = get_payloads(connection, [letter.key for letter in letters if letter.type == SIGN_UP])
        without = sum(isinstance(payload, dict) and "had_credentials" in payload for payload in sign_ups.values())
        number = len(letters) if len(letters) < limit else count_dead(connection, wanted)
    return Selection(letters=letters, number=number, without_credentials=without)


def show_letters(engine: Engine, letters: Sequence[DeadLetter], vault: Vault) -> Mapping[Key, Any]:
    """Read the payloads of dead events, as an operator may see them."""
    by_key = {letter.key: letter for letter in letters}
    with reading(engine).begin() as connection:
        stored = get_payloads(connection, by_key)
        rows = {key: (by_key[key].linked_account_id, by_key[key].slug, payload) for key, payload in stored.items()}
        return show_payloads(connection, rows, vault)


def discard_all(engine: Engine, keys: Sequence[Key], *, by: str, why: str, clock: Clock = database_clock) -> int:
    """Discard dead events, and return how many were dead until then."""
    discarded = 0
    for start in range(0, len(keys), _AT_ONCE):
        with engine.begin() as connection:
            batch = keys[start : start + _AT_ONCE]
            discarded += len(discard(connection, batch, by=by, at=clock(connection), why=why))
    return discarded


def command_for(action: str, wanted: DeadFilter, *, limit: int, is_all: bool, **more: str | None) -> str:
    """Return the command that does what a dry run has shown."""
    options = {
        "move": wanted.move,
        "type": wanted.type,
        "slug": wanted.slug,
        "account": wanted.account,
        "reason": wanted.reason,
        "since": None if wanted.since is None else wanted.since.isoformat(),
        "limit": str(limit),
        **more,
    }
    words = [word for name, value in options.items() if value is not None for word in (f"--{name}", str(value))]
    return shlex.join(["cobalt-mirror", "dead", action, *(["--all"] if is_all else []), *words])
