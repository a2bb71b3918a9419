"""What is done about configs: read (find or create), merge, write, remove."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from cobalt_mirror.cobalt import (
    Config,
    ConfigField,
    Refused,
    UnexpectedAnswer,
    UnknownConfig,
)
from cobalt_mirror.db.equality import is_same
from cobalt_mirror.db.rows import ConfigColumns, ConfigKey
from cobalt_mirror.db.statuses import ConfigStatus, EventStatus
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.accounts import with_account
from cobalt_mirror.workers.handlers.config_plans import may_create
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.folding import (
    Desired,
    Patch,
    fold_configs,
    has_content,
    hides_values,
    is_secret,
    merge,
)
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.looking import FRESH, not_yet
from cobalt_mirror.workers.outcomes import Outcome, Verdict, outcome_of

T = TypeVar("T")


def remove_config(cobalt: Caller, findings: Findings, key: ConfigKey) -> None:
    """Delete one config. One that Cobalt does not have is deleted already, if a read says so of one that is mirrored.

    Raises:
        UnexpectedAnswer: Cobalt shows the config in one answer, and not in another. Try again later.
    """
    try:
        wanting(cobalt, findings, partial(cobalt.delete_config, key))
    except UnknownConfig as error:
        if findings.shows_config(key):
            if _read_config(cobalt, findings, key):
                raise UnexpectedAnswer(CONTRADICTED) from error
            findings.config_gone(key)
    else:
        findings.config_deleted(key)


def change_configs(
    loaded: Loaded, cobalt: Caller, findings: Findings, *, entries: Sequence[Entry], later: Sequence[Entry]
) -> None:
    """Carry out changes, config by config; one config's refusal leaves the others alone.

    Args:
        loaded: the subject.
        cobalt: the right to call.
        findings: what to change.
        entries: the changes, oldest first. One that is done already is carried out again, after a removal that came
            late deleted what it had made.
        later: changes that are done and may be later than some of these; what they set stays.
    """
    for fold in fold_configs(entries, later, loaded.account_id):
        pending = [entry for entry in fold.entries if entry.logged.status == EventStatus.PENDING]
        if not any(has_content(entry) for entry in fold.entries):
            _look_for_config(loaded, cobalt, findings, key=fold.key, entries=pending)
            continue
        try:
            change_config(cobalt, findings, fold.key, fold.patch)
        except Refused as error:
            _refused(findings, pending, error)
            again = [entry for entry in fold.entries if entry not in pending]
            for redone in fold_configs(again, [], loaded.account_id):  # those were never refused
                change_config(cobalt, findings, redone.key, redone.patch)
            if fold.key in findings.changed_configs():
                for entry in pending:
                    findings.effects[entry.logged.key] = {**findings.effects.get(entry.logged.key, {}), "config": True}
        else:
            findings.finish_folded(pending, fold.parts())


_ABSENT = Outcome(verdict=Verdict.DONE, detail="Cobalt has no such config; it was read and not created")
CONTRADICTED = "Cobalt shows the config in one answer, and not in another"


def _look_for_config(
    loaded: Loaded, cobalt: Caller, findings: Findings, *, key: ConfigKey, entries: Sequence[Entry]
) -> None:
    """Read a config for changes that want nothing else, unless this attempt knows of it.

    One that does not show is looked at again: while the changes are young, and whatever their age if the mirror shows
    it, which keeps it until then.
    """
    if key in findings.changed_configs() or _read_config(cobalt, findings, key):
        findings.finish(entries)
        return
    is_mirrored = findings.shows_config(key)
    fresh, detail = timedelta.max if is_mirrored else FRESH, "Cobalt does not show the config yet"
    for entry in entries:
        outcome = not_yet(entry.logged, loaded.now, at_last=_ABSENT, detail=detail, fresh=fresh)
        findings.finish([entry], outcome)
        if outcome is _ABSENT and findings.shows_config(key):
            findings.config_gone(key)


def _read_config(cobalt: Caller, findings: Findings, key: ConfigKey) -> bool:
    """Read one config, and return whether Cobalt shows it."""
    try:
        found_config(findings, key, wanting(cobalt, findings, partial(cobalt.fetch_config, key)))
    except UnknownConfig:
        return False
    return True


def wanting(cobalt: Caller, findings: Findings, call: Callable[[], T]) -> T:
    """Call Cobalt. If it does not know the account, create it where an event that waits wants it to exist.

    Raises:
        UnknownAccount: no event does.
        AccountGone: see `with_account`.
    """
    return with_account(cobalt, findings, call) if any(map(may_create, findings.loaded.pending)) else call()


def came_to_be(entry: Entry) -> bool:
    """Tell whether a change that Cobalt refused found or created its config all the same."""
    return entry.logged.status == EventStatus.DEAD and bool((entry.logged.effect or {}).get("config"))


def _refused(findings: Findings, entries: Sequence[Entry], error: Refused) -> None:
    if error.status == 409:  # another write was under way: later
        raise error
    if len(entries) > 1:
        findings.finish(entries, Outcome(verdict=Verdict.SNOOZE, delay=None, alone=True))
    else:
        for entry in entries:
            findings.finish([entry], outcome_of(error, entry.event.type))


def change_config(cobalt: Caller, findings: Findings, key: ConfigKey, patch: Patch) -> None:
    """Find or create one config and make it hold what the patch says. Two calls; one if it holds that already."""
    config = with_account(cobalt, findings, partial(cobalt.ensure_config, key))
    if _has_lost_values(findings, key, config):
        reason = "a config has lost values that the mirror shows, so its connection may have been made anew"
        findings.want_check(findings.loaded.slug, reason=reason)
    desired = merge(config, patch)
    if desired.is_same(merge(config, Patch())):
        found_config(findings, key, config)
        return
    try:
        written = _write(cobalt, config, key, patch=patch, desired=desired)
    except Refused as error:
        found_config(
            findings, key, config
        )  # it may have been made just now, and it is there although the change is refused
        raise _without_passwords(error, config, patch) from None
    except Exception:
        found_config(findings, key, config)
        raise
    found_config(findings, key, written)


def _has_lost_values(findings: Findings, key: ConfigKey, config: Config) -> bool:
    """Tell whether a config that was found or created lacks values that the mirror shows: then it may be a new one."""
    return any(row.key == key and row.fields.keys() - _values(config.fields).keys() for row in findings.configs)


def _write(cobalt: Caller, config: Config, key: ConfigKey, *, patch: Patch, desired: Desired) -> Config:
    if hides_values(config, patch):
        return _change_piece_by_piece(cobalt, config, key, patch)
    return cobalt.update_config(key, fields=desired.fields, workflows=desired.workflows)


def _without_passwords(error: Refused, config: Config, patch: Patch) -> Refused:
    """Return the same refusal; if its words repeat a password of the change, without them."""
    passwords = [patch.fields.get(field.id) for field in config.fields if is_secret(field)]
    for workflow in config.workflows:
        change = patch.workflows.get(workflow.id)
        if change is not None:
            passwords += [change.fields.get(field.id) for field in workflow.fields if is_secret(field)]
    if not any(value is not None and str(value) in str(error) for value in passwords):
        return error
    message = "Cobalt's message is not stored, as it contains a password"
    return Refused(status=error.status, code=error.code, message=message, request_id=error.request_id, call=error.call)


def _change_piece_by_piece(cobalt: Caller, config: Config, key: ConfigKey, patch: Patch) -> Config:
    """Change single fields, where a PUT of everything would write masks over passwords that the answer hides."""
    _change_fields(cobalt, key, left_to_change(config.fields, patch.fields))
    workflows = {workflow.id: workflow for workflow in config.workflows}
    for id_, change in patch.workflows.items():
        workflow = workflows.get(id_)
        fields = () if workflow is None else workflow.fields
        _change_fields(cobalt, key, left_to_change(fields, change.fields), workflow_id=id_)
        if change.enabled is not None and (workflow is None or change.enabled != workflow.enabled):
            cobalt.set_workflow_enabled(key, id_, enabled=change.enabled)
    return cobalt.fetch_config(key)


def left_to_change(fields: Sequence[ConfigField], desired: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is not as desired yet, so that an attempt that ran out of time goes on where it stopped.

    Passwords come last: an answer does not show whether they are set already.
    """
    secret = {field.id for field in fields if is_secret(field)}
    values = {field.id: field.value for field in fields}
    plain = {id_: value for id_, value in desired.items() if id_ not in secret and not is_same(values.get(id_), value)}
    return plain | {id_: value for id_, value in desired.items() if id_ in secret}


def _change_fields(
    cobalt: Caller, key: ConfigKey, fields: Mapping[str, Any], *, workflow_id: str | None = None
) -> None:
    for id_, value in fields.items():
        if value is None:
            cobalt.clear_config_field(key, id_, workflow_id=workflow_id)
        else:
            cobalt.set_config_field(key, id_, value, workflow_id=workflow_id)


def found_config(findings: Findings, key: ConfigKey, config: Config) -> None:
    """Note what Cobalt says of a config."""
    findings.found_config(key, config_columns(config))


def config_columns(config: Config) -> ConfigColumns:
    """Return a config as the mirror holds it. Values of password fields are not kept at all."""
    return {
        "fields": _values(config.fields),
        "workflows": [
            {"id": workflow.id, "name": workflow.name, "enabled": workflow.enabled, "fields": _values(workflow.fields)}
            for workflow in config.workflows
        ],
        "schema": {
            "fields": [_schema(field) for field in config.fields],
            "workflows": [
                {"id": workflow.id, "name": workflow.name, "fields": [_schema(field) for field in workflow.fields]}
                for workflow in config.workflows
            ],
        },
        "field_errors": [
            {"id": error.id, "name": error.name, "error": {"message": error.message}} for error in config.field_errors
        ],
        "status": ConfigStatus.INSTALLED,
    }


def _values(fields: Sequence[ConfigField]) -> dict[str, Any]:
    return {field.id: field.value for field in fields if field.value is not None and not is_secret(field)}


def _schema(field: ConfigField) -> dict[str, Any]:
    return {name: value for name, value in field.raw.items() if name != "value"}
