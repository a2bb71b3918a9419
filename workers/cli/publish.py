"""`cobalt-mirror publish`: publish one event from arguments, or many CloudEvents from a file."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cobalt_mirror import events
from cobalt_mirror.events import EVENT_TYPES, Event, InvalidEvent
from cobalt_mirror.workers.cli.values import json_or_text
from cobalt_mirror.workers.ops.ndjson import publish_lines
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.terminal.output import print_json

_TYPES = ", ".join(EVENT_TYPES)


def publish(
    *,
    type_: Annotated[str | None, typer.Argument(metavar="TYPE", help=f"Event type: {_TYPES}.")] = None,
    account: Annotated[str | None, typer.Argument(help="Linked account id: your own id of the customer.")] = None,
    slug: Annotated[
        str | None, typer.Argument(help="Application, such as slack; not for user_signed_up and user_deleted.")
    ] = None,
    ndjson: Annotated[
        str | None, typer.Option(metavar="FILE", help="File of CloudEvents 1.0, one a line; - for standard input.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Customer's name (user_signed_up).")] = None,
    udf: Annotated[
        list[str] | None, typer.Option(metavar="KEY=TEXT", help="User-defined field (user_signed_up); repeatable.")
    ] = None,
    auth_credentials_stdin: Annotated[
        bool, typer.Option(help="Read credentials, a JSON object of strings, from standard input (user_signed_up).")
    ] = False,
    auth_type: Annotated[
        str | None, typer.Option(help="Auth type, such as oauth2 (connection_authorized, connection_removed).")
    ] = None,
    config_id: Annotated[
        str | None, typer.Option(help="Config id; the account's id when left out (config_changed, config_removed).")
    ] = None,
    connection_id: Annotated[
        str | None,
        typer.Option(
            help="Connection, in an application that holds several (connection_authorized, config_changed, "
            "config_removed, connection_removed)."
        ),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID=VALUE", help="Field and new value, JSON or text; null clears it (config_changed); repeatable."
        ),
    ] = None,
    workflow: Annotated[
        list[str] | None,
        typer.Option(metavar="JSON", help='Workflow, such as {"id":"w1","enabled":true} (config_changed); repeatable.'),
    ] = None,
    id_: Annotated[
        str | None, typer.Option("--id", help="Event id, unique within the source; publishing it again does nothing.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Name of the publishing system; host when left out.")] = None,
    occurred_at: Annotated[
        str | None, typer.Option(help="Time of the event, ISO 8601 with a time zone; now when left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Publish one event, or many with --ndjson.

    With --ndjson, valid lines are published; invalid ones are reported with their number, and the exit code is 2.

    \b
    Examples:
      cobalt-mirror publish user_signed_up acme --name "Acme Ltd" --udf plan=pro
      cobalt-mirror publish connection_authorized acme slack
      cobalt-mirror publish config_changed acme slack --field channel=alerts --field mention=null
      cobalt-mirror publish --ndjson events.ndjson
    """
    field_values = _pairs("--field", field)
    fields: dict[str, Any] = {"name": name, "auth_type": auth_type, "config_id": config_id, "slug": slug}
    fields["connection_id"] = connection_id
    fields["udf"] = _pairs("--udf", udf)
    fields["fields"] = (
        None if field_values is None else {key: json_or_text(value) for key, value in field_values.items()}
    )
    fields["workflows"] = None if workflow is None else [_json("--workflow", text) for text in workflow]
    fields |= {"id": id_, "source": source, "occurred_at": _moment(occurred_at)}
    if ndjson is not None:
        if type_ is not None or auth_credentials_stdin or any(value is not None for value in fields.values()):
            raise typer.BadParameter("--ndjson: the events come from the file; leave out the other arguments")
        _publish_file(ndjson, as_json=as_json)
        return
    if type_ is None or account is None:
        raise typer.BadParameter("TYPE and ACCOUNT are missing; see `cobalt-mirror publish --help`")
    if auth_credentials_stdin:
        fields["auth_credentials"] = _json("the credentials on standard input", sys.stdin.read())
    fields["linked_account_id"] = account
    event = _event(type_, {key: value for key, value in fields.items() if value is not None})
    _publish_one(event, as_json=as_json)


def _event(type_: str, fields: dict[str, Any]) -> Event:
    kind = EVENT_TYPES.get(type_)
    if kind is None:
        raise typer.BadParameter(f"TYPE {type_}: expected one of {_TYPES}")
    try:
        return kind.from_fields(fields)
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
        typer.echo(f"published {event.type} {receipt.id} from {receipt.source}")
    else:
        typer.echo(f"event {receipt.id} from {receipt.source} was published before; nothing was written")


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
        typer.echo(f"{tally.new} events published, {tally.known} were published before, {tally.bad} invalid lines")
    if tally.bad:
        raise typer.Exit(2)


def _pairs(option: str, texts: list[str] | None) -> dict[str, Any] | None:
    if texts is None:
        return None
    split = [text.partition("=") for text in texts]
    for key, equals, _ in split:
        if not equals:
            raise typer.BadParameter(f"{option} {key}: expected KEY=VALUE")
    return {key: value for key, _, value in split}


def _json(label: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        # The error does not quote the text: it may be a secret.
        raise typer.BadParameter(f"{label}: not JSON: {error}") from None


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("--occurred-at: expected ISO 8601, such as 2026-01-31T12:00:00Z") from None
