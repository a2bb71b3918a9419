"""The table of all operations of the HTTP API. The router and the description are made of it, so they agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cobalt_mirror.db import MirroredAccount
from cobalt_mirror.workers.web import changes_endpoint
from cobalt_mirror.workers.web.answers import (
    Alive,
    Applications,
    Configs,
    Connections,
    FeedPage,
    History,
    Integrations,
    PageToken,
    Readiness,
    Receipts,
    Recorded,
)
from cobalt_mirror.workers.web.changes_endpoint import ChangesEndpoint
from cobalt_mirror.workers.web.description_endpoint import DescriptionEndpoint
from cobalt_mirror.workers.web.events_endpoint import BATCH_TYPE, SINGLE_TYPES, EventsEndpoint
from cobalt_mirror.workers.web.metrics_endpoint import CONTENT_TYPE, MetricsEndpoint
from cobalt_mirror.workers.web.notifications_endpoint import NotificationsEndpoint
from cobalt_mirror.workers.web.operation import Answer, Endpoint, Guard, Operation
from cobalt_mirror.workers.web.parameters import Parameter
from cobalt_mirror.workers.web.probes import Probes
from cobalt_mirror.workers.web.reads_endpoint import BEFORE, LIMIT, SLUG, WAIT, ReadsEndpoint
from cobalt_mirror.workers.web.reconnect_endpoint import ReconnectEndpoint
from cobalt_mirror.workers.web.token_endpoint import ANEW, ENSURE, TokenEndpoint

_BODY = {408: "The body took too long to arrive.", 413: "The body is too large."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The endpoints of the application."""

    events: EventsEndpoint
    changes: ChangesEndpoint
    reads: ReadsEndpoint
    tokens: TokenEndpoint
    reconnect: ReconnectEndpoint
    notifications: NotificationsEndpoint
    metrics: MetricsEndpoint
    probes: Probes


def make_operations(endpoints: Endpoints, *, host: Guard, monitor: Guard) -> Sequence[Operation]:
    """Return the table.

    Args:
        endpoints: the endpoints of the application.
        host: the token of hosts.
        monitor: the token of Prometheus.
    """
    operations: list[Operation] = []
    description = DescriptionEndpoint(lambda: operations)
    operations += [
        *_publishing(endpoints.events, host),
        *_reading(endpoints.reads, host),
        _following(endpoints.changes, host),
        _minting(endpoints.tokens, host),
        _reconnecting(endpoints.reconnect),
        *_serving(endpoints, monitor),
        *_describing(description),
    ]
    return operations


def _publishing(events: EventsEndpoint, host: Guard) -> list[Operation]:
    return [
        Operation(
            method="POST",
            path="/events",
            endpoint=events.receive,
            summary="Publish one event, or a batch: all of it or nothing.",
            description="Events are CloudEvents 1.0 in JSON. One that was published before is not written again.",
            guard=host,
            bodies={**dict.fromkeys(sorted(SINGLE_TYPES), "CloudEvent"), BATCH_TYPE: "CloudEventBatch"},
            answers=(Answer(status=202, description="The events are committed.", kind=Receipts),),
            refusals={
                **_BODY,
                400: "The body is not JSON, or an event breaks a rule: nothing was written.",
                409: "An event with this source and id was published before with other content.",
                415: "The content type is none of these.",
                503: "The database failed: send it again. Or a secret cannot be sealed: set MIRROR_SECRET_KEYS.",
            },
        )
    ]


def _reading(reads: ReadsEndpoint, host: Guard) -> list[Operation]:
    def get(
        path: str, endpoint: Endpoint, kind: type, summary: str, *parameters: Parameter[Any], description: str = ""
    ) -> Operation:
        return Operation(
            method="GET",
            path=path,
            endpoint=endpoint,
            summary=summary,
            description=description,
            guard=host,
            parameters=parameters,
            answers=(Answer(description="What the mirror has. Cobalt is not called.", kind=kind),),
            refusals={404: "The mirror does not have the account."} if "{" in path else {},
        )

    account = "/accounts/{account_id}"
    return [
        get(account, reads.account, MirroredAccount, "One customer's account."),
        get(
            f"{account}/integrations",
            reads.integrations,
            Integrations,
            "Every application as this customer sees it, for a page.",
            WAIT,
            description=(
                "With `wait`, it answers once the account's events are carried out, so that a page that has just "
                "published one is right at first paint. Events that wait for a retry or a pause, or for longer than 30 "
                "seconds, do not hold it up. `pending` says how many events are not carried out yet."
            ),
        ),
        get(f"{account}/connections", reads.connections, Connections, "The account's connections."),
        get(f"{account}/configs", reads.configs, Configs, "The account's configs, without passwords.", SLUG),
        get(f"{account}/history", reads.history, History, "What changed, newest first.", LIMIT, BEFORE),
        get("/applications", reads.applications, Applications, "Every application that customers can connect."),
    ]


def _following(changes: ChangesEndpoint, host: Guard) -> Operation:
    return Operation(
        method="GET",
        path="/changes",
        endpoint=changes.receive,
        summary="The change feed: every real change, for all accounts.",
        description="With `wait`, it answers when the next change comes, or with an empty list.",
        guard=host,
        parameters=(changes_endpoint.AFTER, changes_endpoint.LIMIT, changes_endpoint.WAIT),
        answers=(Answer(description="The entries after that position.", kind=FeedPage),),
        refusals={
            400: "A parameter is wrong.",
            410: "Entries after that position are gone: read the mirror, then go on from `resume_after`.",
            503: "The database failed, or too many requests wait already: ask again.",
        },
    )


def _minting(tokens: TokenEndpoint, host: Guard) -> Operation:
    return Operation(
        method="POST",
        path="/accounts/{account_id}/token",
        endpoint=tokens.mint,
        summary="A session token, for the page on which this customer connects applications.",
        description="It is Cobalt's token for this customer alone. A token is handed out for five minutes.",
        guard=host,
        parameters=(ENSURE, ANEW),
        answers=(Answer(description="What the browser SDK needs.", kind=PageToken),),
        refusals={
            400: "The id is none that an event may have, or a parameter cannot be read.",
            404: "Cobalt does not have the account.",
            409: "The account is deleted, or is being deleted.",
            502: "Cobalt refused, and asking again does not help: the operator must act.",
            503: "Cobalt failed, or there are too many calls: ask again after `retry-after`. Or the database failed.",
        },
    )


def _reconnecting(reconnect: ReconnectEndpoint) -> Operation:
    def page(status: int, description: str) -> Answer:
        return Answer(status=status, description=description, media_type="text/html")

    return Operation(
        method="GET",
        path="/reconnect/{token}",
        endpoint=reconnect.receive,
        summary="Where a reconnect link leads: Cobalt's connect page, made at that moment.",
        description="It is for customers, and needs no token but the one in the link.",
        answers=(
            Answer(status=303, description="To Cobalt's page.", media_type=None),
            page(404, "A page: the link is not valid."),
            page(410, "A page: the link has expired, or the account is gone."),
            page(503, "A page: Cobalt or the database failed; open the link again later."),
        ),
    )


def _serving(endpoints: Endpoints, monitor: Guard) -> list[Operation]:
    probes = endpoints.probes
    return [
        Operation(
            method="POST",
            path="/webhooks/cobalt",
            endpoint=endpoints.notifications.receive,
            summary="Cobalt's notifications, signed with the API key.",
            bodies={"application/json": "Notification"},
            answers=(Answer(description="The notification is committed.", kind=Recorded),),
            refusals={
                **_BODY,
                400: "The body does not have the documented shape.",
                401: "The signature is not one of the API key.",
            },
        ),
        Operation(
            method="GET",
            path="/metrics",
            endpoint=endpoints.metrics.receive,
            summary="Numbers of the whole installation, for Prometheus.",
            guard=monitor,
            answers=(Answer(description="The numbers.", media_type=CONTENT_TYPE.partition(";")[0]),),
            refusals={501: "A library is not installed."},
        ),
        Operation(
            method="GET",
            path="/healthz",
            endpoint=probes.is_alive,
            summary="Whether the process is alive.",
            answers=(Answer(description="The process is alive.", kind=Alive),),
        ),
        Operation(
            method="GET",
            path="/readyz",
            endpoint=probes.is_ready,
            summary="Whether database and Redis answer.",
            answers=(
                Answer(description="Both answer.", kind=Readiness),
                Answer(status=503, description="One of them does not answer.", kind=Readiness),
            ),
        ),
    ]


def _describing(description: DescriptionEndpoint) -> list[Operation]:
    return [
        Operation(
            method="GET",
            path="/openapi.json",
            endpoint=description.document,
            summary="This description, for programs.",
            answers=(Answer(description="An OpenAPI document.", kind=dict[str, Any]),),
        ),
        Operation(
            method="GET",
            path="/docs",
            endpoint=description.page,
            summary="This description, as a page.",
            answers=(Answer(description="A page of plain HTML.", media_type="text/html"),),
        ),
    ]
