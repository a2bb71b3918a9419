"""No effect on an account or a config without a cause, and none twice beyond what idempotent calls allow."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cobalt_mirror.events import (
    ConfigChanged,
    ConfigRemoved,
    ConnectionAuthorized,
    ConnectionRemoved,
    Event,
    UserDeleted,
    UserSignedUp,
)
from tests.chaos.evidence import Evidence, Row, moment
from tests.chaos.invariants.asked import Cause, Causes, Register
from tests.chaos.invariants.finding import Finding

_WISHES = (UserSignedUp, ConnectionAuthorized, ConfigChanged)
_OF_CONFIGS = (ConnectionAuthorized, ConfigChanged, ConfigRemoved, ConnectionRemoved)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """The possible causes of an effect: events, calls and changes by hand."""

    events: Sequence[type[Event]]
    routes: Sequence[str]
    actions: Sequence[str] = ()


_PIECES = ("replace_config", "set_field", "clear_field", "toggle_workflow")
_CHANGE = _Rule(events=_OF_CONFIGS, routes=_PIECES)
_RULES: Mapping[str, _Rule] = {
    "account_created": _Rule(events=_WISHES, routes=("upsert_account",)),
    "account_updated": _Rule(events=(UserSignedUp,), routes=("upsert_account",), actions=("rename_account", "set_udf")),
    "account_deleted": _Rule(events=(UserDeleted,), routes=("delete_account",), actions=("delete_account",)),
    "config_created": _Rule(events=_OF_CONFIGS, routes=("find_or_create_config",)),
    "config_replaced": _CHANGE,
    "field_set": _CHANGE,
    "field_cleared": _CHANGE,
    "workflow_toggled": _CHANGE,
    "config_deleted": _Rule(
        events=(ConfigRemoved, ConnectionRemoved),
        routes=("delete_config", "delete_integration"),
        actions=("disconnect", "delete_config"),
    ),
}


def find_unasked(evidence: Evidence) -> Finding:
    """Check the ledger of effects."""
    judge = _Judge(evidence)
    violations = list(judge.violations())
    return Finding(name="no effect without a cause, none twice", counts=judge.counts, violations=violations)


class _Judge:
    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._register = Register(evidence)
        self._causes = Causes(evidence, routes={kind: rule.routes for kind, rule in _RULES.items()})
        self._alive: set[str] = set()
        self._configs: set[tuple[str, str, str, str]] = set()
        self._ended_by_event: set[str] = set()
        self.counts: Counter[str] = Counter({"by calls": 0, "by hand": 0, "late": 0})

    def violations(self) -> Iterator[str]:
        for effect in self._evidence.effects:
            rule = _RULES.get(effect["kind"])
            if rule is None:
                continue
            cause = self._causes.find(effect, actions=rule.actions)
            if cause is None:
                yield f"{_words(effect)}: no cause was found"
            else:
                self.counts["by hand" if cause.call is None else "late" if cause.is_late else "by calls"] += 1
                yield from self._twice(effect, cause)
                yield from self._unasked(effect, rule, cause)

    def _twice(self, effect: Row, cause: Cause) -> Iterator[str]:
        """Yield creations of what exists, and deletions of what does not."""
        account = effect["linked_account_id"]
        match effect["kind"]:
            case "account_created":
                if account in self._alive:
                    yield f"{_words(effect)}: there was one already"
                self._alive.add(account)
            case "account_deleted":
                if account not in self._alive:
                    yield f"{_words(effect)}: there was none"
                self._alive.discard(account)
                self._configs = {one for one in self._configs if one[0] != account}
                (self._ended_by_event.add if cause.call is not None else self._ended_by_event.discard)(account)
            case "config_created" | "config_deleted":
                detail = effect["detail"]
                one = (account, effect["slug"], detail["config_id"], detail.get("connection_id", ""))
                is_made = effect["kind"] == "config_created"
                if (one in self._configs) is is_made:
                    yield f"{_words(effect)}: {'there was one already' if is_made else 'there was none'}"
                (self._configs.add if is_made else self._configs.discard)(one)

    def _unasked(self, effect: Row, rule: _Rule, cause: Cause) -> Iterator[str]:
        if cause.call is None or (cause.is_late and effect["kind"].startswith("account")):
            return
        account, kinds = effect["linked_account_id"], rule.events
        if effect["kind"] == "account_created" and account in self._ended_by_event:
            kinds = (UserSignedUp,)
        asked = list(self._register.of(account, kinds, slug=effect["slug"]))
        is_second_look = effect["kind"] == "account_deleted" and any(one.recorded_at <= cause.at for one in asked)
        if not is_second_look and not any(one.was_waiting(cause.at) for one in asked):
            yield f"{_words(effect)}: no event asked for that then, of {len(asked)} of {[one.type for one in kinds]}"


def _words(effect: Row) -> str:
    about = " / ".join(filter(None, (effect["linked_account_id"], effect["slug"])))
    return f"{effect['kind']} of {about} at {moment(effect['at']):%H:%M:%S.%f} by call {effect['call']}"
