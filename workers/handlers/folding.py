"""Folds several events of one subject into the least work with the same result. Plain values in, plain values out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cobalt_mirror.cobalt import Config
from cobalt_mirror.cobalt.models import ConfigField
from cobalt_mirror.db.equality import is_same
from cobalt_mirror.db.forms import SECRET_TYPES
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.events import ConfigChanged, ConfigRemoved, UserSignedUp
from cobalt_mirror.events.stored import Entry

#: What an answer shows in place of a password: a run of stars or dots.
_MASK = re.compile(r"[*•●∙·]{3}")


#: What a sign-up may set.
SIGN_UP_FIELDS = ("name", "udf", "auth_credentials")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedSignUp:
    """One upsert that stands for several sign-ups; what is None is left to whatever Cobalt has."""

    name: str | None
    udf: Mapping[str, str] | None
    auth_credentials: Mapping[str, str] | None
    #: Events that have a part in it. The others are folded away.
    parts: frozenset[tuple[str, str]]


def fold_sign_ups(pending: Sequence[Entry], done: Sequence[Entry]) -> FoldedSignUp:
    """Fold sign-ups field by field: the last one wins; what a later event that is done set is not set again."""
    fields: dict[str, Any] = {}
    parts = {pending[-1].logged.key} if not done or pending[-1].order > done[-1].order else set()
    for name in SIGN_UP_FIELDS:
        last = max((entry for entry in (*pending, *done) if sets(entry, name)), key=lambda e: e.order, default=None)
        if last is not None and last in pending:
            fields[name] = getattr(last.event, name)
            parts.add(last.logged.key)
    return FoldedSignUp(
        name=fields.get("name"),
        udf=fields.get("udf"),
        auth_credentials=fields.get("auth_credentials"),
        parts=frozenset(parts),
    )


def sets(entry: Entry, name: str) -> bool:
    """Tell whether an event is a sign-up that sets one of `SIGN_UP_FIELDS`."""
    if not isinstance(entry.event, UserSignedUp):
        return False
    if name == "auth_credentials":
        return bool(entry.event.auth_credentials) or bool(entry.logged.payload.get("had_credentials"))
    return getattr(entry.event, name) is not None


@dataclass(slots=True)
class WorkflowChange:
    """What changes in one workflow."""

    enabled: bool | None = None
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Patch:
    """What changes in one config. A field's None clears it; what is not named stays."""

    fields: dict[str, Any] = field(default_factory=dict)
    workflows: dict[str, WorkflowChange] = field(default_factory=dict)

    def add(self, event: ConfigChanged) -> None:
        """Lay a later change over this one."""
        self.fields.update(event.fields)
        for workflow in event.workflows:
            change = self.workflows.setdefault(workflow["id"], WorkflowChange())
            change.enabled = workflow.get("enabled", change.enabled)
            change.fields.update(workflow.get("fields", {}))

    def drop(self, later: ConfigChanged) -> None:
        """Leave out what a later change, that is done already, has set."""
        for name in later.fields:
            self.fields.pop(name, None)
        for workflow in later.workflows:
            change = self.workflows.get(workflow["id"])
            if change is None:
                continue
            if "enabled" in workflow:
                change.enabled = None
            for name in workflow.get("fields", {}):
                change.fields.pop(name, None)

    def steps(self) -> set[tuple[str, ...]]:
        """Return everything that it sets, each by its path."""
        paths: set[tuple[str, ...]] = {("field", name) for name in self.fields}
        for id_, change in self.workflows.items():
            paths |= {("workflow", id_, "field", name) for name in change.fields}
            if change.enabled is not None:
                paths.add(("workflow", id_, "enabled"))
        return paths


@dataclass(slots=True)
class FoldedConfig:
    """The changes of one config: what they amount to, and whose they are."""

    key: ConfigKey
    patch: Patch = field(default_factory=Patch)
    entries: list[Entry] = field(default_factory=list)

    def parts(self) -> set[tuple[str, str]]:
        """Return the events whose changes are in the patch, and the last one: an empty one asks for a read."""
        seen: set[tuple[str, ...]] = set()
        steps, keys = self.patch.steps(), {self.entries[-1].logged.key} if self.entries else set()
        for entry in reversed(self.entries):
            own = Patch()
            own.add(_config_event(entry))
            if (own.steps() & steps) - seen:
                keys.add(entry.logged.key)
            seen |= own.steps()
        return keys


def fold_configs(entries: Iterable[Entry], later: Iterable[Entry], account: str) -> list[FoldedConfig]:
    """Fold changes config by config: laid over one another in order, less what later ones have set already."""
    folded: dict[ConfigKey, FoldedConfig] = {}
    for entry in entries:
        key = config_key_of(entry, account)
        folded.setdefault(key, FoldedConfig(key)).entries.append(entry)
    for key, fold in folded.items():
        others = [entry for entry in later if config_key_of(entry, account) == key]
        for entry in fold.entries:
            change = Patch()
            change.add(_config_event(entry))
            for other in others:
                if other.order > entry.order:
                    change.drop(_config_event(other))
            _lay_over(fold.patch, change)
    return list(folded.values())


def _lay_over(patch: Patch, change: Patch) -> None:
    patch.fields.update(change.fields)
    for id_, later in change.workflows.items():
        if later == WorkflowChange():  # it says nothing, or nothing that a later one has not set: no reason to add it
            continue
        workflow = patch.workflows.setdefault(id_, WorkflowChange())
        workflow.enabled = workflow.enabled if later.enabled is None else later.enabled
        workflow.fields.update(later.fields)


def _config_event(entry: Entry) -> ConfigChanged:
    assert isinstance(entry.event, ConfigChanged)  # noqa: S101 - the callers pass nothing else
    return entry.event


def has_content(entry: Entry) -> bool:
    """Tell whether an event changes something in a config. A change without content only wants it read."""
    if not isinstance(entry.event, ConfigChanged):
        return False
    own = Patch()
    own.add(entry.event)
    return bool(own.steps())


def config_key_of(entry: Entry, account: str) -> ConfigKey:
    """Return which config an event changes or removes: the one it names, else the one whose id is the account's."""
    event = entry.event
    assert isinstance(event, ConfigChanged | ConfigRemoved)  # noqa: S101 - the callers pass nothing else
    return ConfigKey(account if event.config_id is None else event.config_id, event.connection_id or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What a config should hold: the arguments of a PUT."""

    fields: dict[str, Any]
    workflows: list[dict[str, Any]]

    def is_same(self, other: "Desired") -> bool:
        """Whether a config that holds the one holds the other."""
        return is_same([self.fields, self.workflows], [other.fields, other.workflows])


def merge(config: Config, patch: Patch) -> Desired:
    """Lay the patch over the config's own values."""
    workflows: dict[str, dict[str, Any]] = {
        workflow.id: {"id": workflow.id, "enabled": workflow.enabled, "fields": _present(workflow.values)}
        for workflow in config.workflows
    }
    for id_, change in patch.workflows.items():
        workflow = workflows.setdefault(id_, {"id": id_, "enabled": False, "fields": {}})
        workflow["enabled"] = workflow["enabled"] if change.enabled is None else change.enabled
        workflow["fields"] = _present({**workflow["fields"], **change.fields})
    return Desired(fields=_present({**config.values, **patch.fields}), workflows=list(workflows.values()))


def hides_values(config: Config, patch: Patch) -> bool:
    """Tell whether a PUT of what the answer shows would destroy a value that it masks or leaves out."""
    own = [field for field in config.fields if field.id not in patch.fields]
    for workflow in config.workflows:
        change = patch.workflows.get(workflow.id, WorkflowChange())
        own += [field for field in workflow.fields if field.id not in change.fields]
    return any(is_secret(field) and not _shows_value(field) for field in own)


def is_secret(config_field: ConfigField) -> bool:
    """Tell whether a field holds something that must not be stored readably."""
    return (config_field.field_type or "").lower() in SECRET_TYPES


def _shows_value(config_field: ConfigField) -> bool:
    value = config_field.value
    return isinstance(value, str) and value != "" and not _MASK.search(value)


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
