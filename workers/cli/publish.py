"""`cobalt-mirror publish`: one event from arguments, or many as CloudEvents, for hosts that do not import us."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cobalt_mirror import events
from cobalt_mirror.events import EVENT_TYPES, Event, InvalidEvent
from cobalt_mirror.workers.cli.sandbox import json_or_text
from cobalt_mirror.workers.ops.ndjson import publish_lines
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.terminal.output import print_json

_TYPES = ", ".join(EVENT_TYPES)


def publish(
    *,
    type_: Annotated[str | None, typer.Argument(metavar="TYPE", help=f"One of {_TYPES}.")] = None,
    account: Annotated[str | None, typer.Argument(help="The linked account id: your own id of the customer.")] = None,
    slug: Annotated[str | None, typer.Argument(help="The application, for all types but user_signed_up.")] = None,
    ndjson: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read CloudEvents 1.0, one a line, from FILE; - is the input.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The customer's name (user_signed_up).")] = None,
    udf: Annotated[
        list[str] | None, typer.Option(metavar="KEY=TEXT", help="A user-defined field (user_signed_up); repeatable.")
    ] = None,
    auth_credentials_stdin: Annotated[
        bool, typer.Option(help="Read credentials, a JSON object of texts, from the input (user_signed_up).")
    ] = False,
    auth_type: Annotated[str | None, typer.Option(help="Such as oauth2 (connection_authorized, _removed).")] = None,
    config_id: Annotated[str | None, typer.Option(help="Which config (config_changed).")] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=VALUE", help="A field, JSON or text; null clears (config_changed); repeatable."),
    ] = None,
    workflow: Annotated[
        list[str] | None, typer.Option(metavar="JSON", help='Such as {"id":"w1","enabled":true} (config_changed).')
    ] = None,
    id_: Annotated[
        str | None, typer.Option("--id", help="Unique within the source; the same again is a no-op.")
    ] = None,
    source: Annotated[str, typer.Option(help="Who publishes.")] = "host",
    occurred_at: Annotated[str | None, typer.Option(help="ISO 8601 with a time zone; now when left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of it as JSON.")] = False,
) -> None:
    """Publish one event, or with --ndjson many.

    Bad lines of NDJSON are named with their number and left out; the others are written; then the exit code is 2.

    \b
    Examples:
      cobalt-mirror publish user_signed_up acme --name "Acme Ltd" --udf plan=pro
      cobalt-mirror publish connection_authorized acme slack
      cobalt-mirror publish config_changed acme slack --field channel=alerts --field mention=null
      cobalt-mirror publish --ndjson events.ndjson
    """
    fields = _pairs("--field", field)
    given: dict[str, Any] = {"name": name, "auth_type": auth_type, "config_id": config_id, "slug": slug}
    given["udf"] = _pairs("--udf", udf)
    given["fields"] = None if fields is None else {key: json_or_text(value) for key, value in fields.items()}
    given["workflows"] = None if workflow is None else [_json("--workflow", each) for each in workflow]
    if ndjson is not None:
        if type_ is not None or auth_credentials_stdin or any(value is not None for value in given.values()):
            raise typer.BadParameter("--ndjson takes its events from the file and no other arguments")
        _publish_file(ndjson, as_json=as_json)
        return
    if type_ is None or account is None:
        raise typer.BadParameter("TYPE and ACCOUNT are missing; see `cobalt-mirror publish --help`")
    if auth_credentials_stdin:
        given["auth_credentials"] = _json("the credentials on the input", sys.stdin.read())
    given |= {"linked_account_id": account, "id": id_, "source": source, "occurred_at": _moment(occurred_at)}
    event = _event(type_, {key: value for key, value in given.items() if value is not None})
    _publish_one(event, as_json=as_json)


def _event(type_: str, told: dict[str, Any]) -> Event:
    kind = EVENT_TYPES.get(type_)
    if kind is None:
        raise typer.BadParameter(f"type: not one of {_TYPES}")
    try:
        return kind.from_fields(told)
    except InvalidEvent as error:
        raise typer.BadParameter(str(error)) from None


def _publish_one(event: Event, *, as_json: bool) -> None:
    ready_for_database()
    try:
        receipt = events.publish(event)
    except events.EventError as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        print_json(receipt)
    elif receipt.is_new:
        typer.echo(f"published {event.type} {receipt.id} of {receipt.source}")
    else:
        typer.echo(f"{receipt.id} of {receipt.source} was published before; nothing written")


def _publish_file(name: str, *, as_json: bool) -> None:
    ready_for_database()
    if name == "-":
        tally = publish_lines(sys.stdin.buffer)
    else:
        with Path(name).open("rb") as file:
            tally = publish_lines(file)
    if as_json:
        print_json(tally)
    else:
        typer.echo(f"{tally.new} events published, {tally.known} were published before, {tally.bad} bad lines")
    if tally.bad:
        raise typer.Exit(2)


def _pairs(option: str, texts: list[str] | None) -> dict[str, Any] | None:
    if texts is None:
        return None
    split = [text.partition("=") for text in texts]
    for key, equals, _ in split:
        if not equals:
            raise typer.BadParameter(f"{option} {key}: wants KEY=VALUE")
    return {key: value for key, _, value in split}


def _json(what: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        # The text itself stays out of the complaint: it may be a secret.
        raise typer.BadParameter(f"{what}: not JSON: {error}") from None


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("--occurred-at: wants ISO 8601, such as 2026-01-31T12:00:00Z") from None
