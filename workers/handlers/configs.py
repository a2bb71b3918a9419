"""What is done about configs: read (find or create), merge, write; and how an answer becomes a row of the mirror."""

from collections.abc import Container, Sequence
from typing import Any

from cobalt_mirror.cobalt import Config, Refused, UnknownApplication, UnknownConfig
from cobalt_mirror.cobalt.models import ConfigField
from cobalt_mirror.db.tables import configs
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.folding import Desired, Patch, fold_configs, hides_values, is_secret, merge
from cobalt_mirror.workers.handlers.job import Job
from cobalt_mirror.workers.outcomes import Outcome, Verdict, outcome_of


def change_configs(job: Job, entries: Sequence[Entry], later: Sequence[Entry]) -> None:
    """Carry out changes, config by config; one config's refusal leaves the others alone.

    Args:
        job: the attempt.
        entries: the changes, oldest first. One that is done already is carried out again, after a removal that came
            late deleted what it had made.
        later: changes that are done and may be later than some of these; what they set stays.
    """
    for fold in fold_configs(entries, later, job.account_id):
        mine = [entry for entry in fold.entries if entry.logged.status == "pending"]
        try:
            change_config(job, fold.config_id, fold.patch)
        except Refused as error:
            _refused(job, mine, error)
            again = [entry for entry in fold.entries if entry not in mine]
            for redone in fold_configs(again, [], job.account_id):  # those were never refused
                change_config(job, redone.config_id, redone.patch)
            if any(table is configs and row["config_id"] == fold.config_id for table, row in job.rows):
                job.effects.update({entry.logged.key: {"config": True} for entry in mine})
        else:
            job.finish_folded(mine, fold.parts())


def came_to_be(entry: Entry) -> bool:
    """Whether a change that Cobalt refused found or created its config all the same."""
    return entry.logged.status == "dead" and bool((entry.logged.effect or {}).get("config"))


def _refused(job: Job, entries: Sequence[Entry], error: Refused) -> None:
    if error.status == 409:  # somebody else was writing: later
        raise error
    if len(entries) > 1:
        job.finish(entries, Outcome(verdict=Verdict.SNOOZE, delay=None, alone=True))
    else:
        for entry in entries:
            job.finish([entry], outcome_of(error, entry.event.type))


def change_config(job: Job, config_id: str, patch: Patch) -> None:
    """Find or create one config and make it hold what the patch says. Two calls; one if it holds that already."""
    config = job.with_account(job.client.config, job.account_id, job.slug, config_id=config_id)
    desired = merge(config, patch)
    if desired == merge(config, Patch()):
        found_config(job, config)
        return
    try:
        if hides_values(config, patch):
            written = _change_piece_by_piece(job, config, config_id, patch)
        else:
            written = _replace(job, config_id, desired)
    except Refused as error:
        found_config(job, config)  # it may have been made just now, and it is there whatever becomes of the change
        raise _without_passwords(error, config, patch) from None
    except Exception:
        found_config(job, config)
        raise
    found_config(job, written)


def _without_passwords(error: Refused, config: Config, patch: Patch) -> Refused:
    """The same refusal; if its words repeat a password of the change, without them."""
    told = {one.id: patch.fields.get(one.id) for one in config.fields if is_secret(one)}
    for workflow in config.workflows:
        change = patch.workflows.get(workflow.id)
        if change is not None:
            told |= {one.id: change.fields.get(one.id) for one in workflow.fields if is_secret(one)}
    if not any(value is not None and str(value) in str(error) for value in told.values()):
        return error
    message = "Cobalt's message repeats a password and is not kept"
    return Refused(status=error.status, code=error.code, message=message, request_id=error.request_id, call=error.call)


def _replace(job: Job, config_id: str, desired: Desired) -> Config:
    return job.ask(
        job.client.update_config,
        job.account_id,
        job.slug,
        config_id=config_id,
        fields=desired.fields,
        workflows=desired.workflows,
    )


def _change_piece_by_piece(job: Job, config: Config, config_id: str, patch: Patch) -> Config:
    """Change single fields, where a PUT of everything would write masks over passwords that the answer hides."""
    _change_fields(job, config_id, None, _left_to_change(config.fields, patch.fields))
    shown = {workflow.id: workflow for workflow in config.workflows}
    for id_, change in patch.workflows.items():
        fields = shown[id_].fields if id_ in shown else ()
        _change_fields(job, config_id, id_, _left_to_change(fields, change.fields))
        if change.enabled is not None and (id_ not in shown or change.enabled != shown[id_].enabled):
            job.ask(
                job.client.set_workflow_enabled,
                job.account_id,
                job.slug,
                id_,
                enabled=change.enabled,
                config_id=config_id,
            )
    return job.ask(job.client.fetch_config, job.account_id, job.slug, config_id=config_id)


def _left_to_change(shown: Sequence[ConfigField], wanted: dict[str, Any]) -> dict[str, Any]:
    """What is not as wanted yet, so that an attempt that ran out of time is gone on with; passwords, of which nobody
    can tell, come last."""
    secret = {one.id for one in shown if is_secret(one)}
    values = {one.id: one.value for one in shown}
    plain = {id_: value for id_, value in wanted.items() if id_ not in secret and values.get(id_) != value}
    return plain | {id_: value for id_, value in wanted.items() if id_ in secret}


def _change_fields(job: Job, config_id: str, workflow_id: str | None, fields: dict[str, Any]) -> None:
    for id_, value in fields.items():
        if value is None:
            job.ask(
                job.client.clear_config_field,
                job.account_id,
                job.slug,
                id_,
                config_id=config_id,
                workflow_id=workflow_id,
            )
        else:
            job.ask(
                job.client.set_config_field,
                job.account_id,
                job.slug,
                id_,
                value,
                config_id=config_id,
                workflow_id=workflow_id,
            )


def read_configs(job: Job, *, known: Container[str]) -> None:
    """Read every config that Cobalt lists or the mirror shows as installed, and note those that are gone.

    Args:
        job: the attempt.
        known: ids of configs that need no reading.
    """
    listed = [one.config_id for one in job.ask(job.client.fetch_configs, job.account_id, job.slug)]
    for config_id in dict.fromkeys([*(row["config_id"] for row in job.configs), *listed]):
        if config_id in known:
            continue
        try:
            found_config(job, job.ask(job.client.fetch_config, job.account_id, job.slug, config_id=config_id))
        except (UnknownConfig, UnknownApplication):
            _deleted(job, config_id)


def found_config(job: Job, config: Config) -> None:
    """Note what Cobalt says of a config."""
    job.rows.append((configs, {**_key(job, config.config_id), **config_row(config)}))


def configs_deleted(job: Job) -> None:
    """Note that a disconnect took the connection's configs along."""
    for row in job.configs:
        _deleted(job, row["config_id"])


def _deleted(job: Job, config_id: str) -> None:
    job.rows.append((configs, {**_key(job, config_id), "status": "deleted", **_EMPTY}))


_EMPTY: dict[str, Any] = {"fields": {}, "workflows": [], "schema": {}, "field_errors": []}


def _key(job: Job, config_id: str) -> dict[str, Any]:
    return {"linked_account_id": job.account_id, "slug": job.slug, "config_id": config_id}


def config_row(config: Config) -> dict[str, Any]:
    """A config as the mirror holds it. Values of password fields are not kept at all."""
    return {
        "fields": _values(config.fields),
        "workflows": [
            {"id": one.id, "name": one.name, "enabled": one.enabled, "fields": _values(one.fields)}
            for one in config.workflows
        ],
        "schema": {
            "fields": [_schema(one) for one in config.fields],
            "workflows": [
                {"id": one.id, "name": one.name, "fields": [_schema(each) for each in one.fields]}
                for one in config.workflows
            ],
        },
        "field_errors": [
            {"id": one.id, "name": one.name, "error": {"message": one.message}} for one in config.field_errors
        ],
        "status": "installed",
    }


def _values(fields: Sequence[ConfigField]) -> dict[str, Any]:
    return {one.id: one.value for one in fields if one.value is not None and not is_secret(one)}


def _schema(one: ConfigField) -> dict[str, Any]:
    return {name: value for name, value in one.raw.items() if name != "value"}
