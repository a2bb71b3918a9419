"""The same job written plainly, to compare with: dramatiq actors, httpx, an upsert. No log, no lease, no history.

A change is in its message, so what Redis loses is lost, two changes of one config may overtake one another, and
whatever fails is retried by dramatiq until that gives up. Run by `dramatiq benchmarks.plain:start`.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dramatiq
import httpx
import redis
import sqlalchemy
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import Engine, Table

from cobalt_mirror.db.engine import options_for, upsert
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.tables import configs, linked_accounts
from cobalt_mirror.events import ConfigChanged, Event, UserSignedUp

NAMESPACE = "plain"
QUEUE = "plain"


class Plain:
    """The actors and their resources."""

    def __init__(self, client: httpx.Client, engine: Engine) -> None:
        self._client = client
        self._engine = engine

    def sign_up(self, account: str, name: str | None, udf: dict[str, str] | None) -> None:
        """Upsert the account, and mirror the answer."""
        body = {"linked_account_id": account, "name": name, "udf": udf}
        answer = self._call("PUT", "/api/v2/public/linked-account", {}, body)
        udf = {pair["key_name"]: pair["key_value"] for pair in answer["udf"]}
        row = {"linked_account_id": account, "name": answer["name"], "udf": udf}
        self._save(linked_accounts, {**row, "environment": answer["environment"], "status": "active"})

    def change_config(self, account: str, slug: str, fields: dict[str, Any]) -> None:
        """Find or create the config, lay the change over it, write it, and mirror the answer."""
        headers, key = {"linked_account_id": account}, {"slug": slug, "config_id": account}
        values = _values(self._call("POST", "/api/v2/public/config", headers, key)) | fields
        body = {**key, "fields": values, "workflows": []}
        answer = self._call("PUT", "/api/v2/public/config", headers, body)
        row = {"linked_account_id": account, **key, "fields": _values(answer), "status": "installed"}
        form = [{name: value for name, value in item.items() if name != "value"} for item in answer["fields"]]
        rest = {"workflows": answer["workflows"], "field_errors": answer["field_errors"]}
        self._save(configs, {**row, **rest, "schema": {"fields": form, "workflows": []}})

    def _call(self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Any:
        answer = self._client.request(method, path, headers=headers, json=body)
        answer.raise_for_status()
        return answer.json()

    def _save(self, table: Table, row: Mapping[str, Any]) -> None:
        with self._engine.begin() as connection:
            upsert(connection, table, {**row, "verified_at": datetime.now(UTC)})


def _values(config: Mapping[str, Any]) -> dict[str, Any]:
    return {item["id"]: item["value"] for item in config["fields"] if "value" in item}


def message_of(event: Event) -> Message[None]:
    """Return the message that a host sends in place of publishing an event."""
    match event:
        case UserSignedUp():
            return _message("sign_up", event.linked_account_id, event.name, event.udf)
        case ConfigChanged():
            return _message("change_config", event.linked_account_id, event.slug, event.fields)
    raise ValueError(f"the plain job has no actor for {event.type}")


def _message(actor: str, *arguments: Any) -> Message[None]:
    return Message(queue_name=QUEUE, actor_name=actor, args=arguments, kwargs={}, options={})


def create_broker(redis_url: str) -> RedisBroker:
    """dramatiq's broker as it comes, with all its middleware."""
    return RedisBroker(client=redis.Redis.from_url(redis_url), namespace=NAMESPACE)  # type: ignore[no-untyped-call]


def create_engine(threads: int) -> Engine:
    """Return an engine with default options and a connection per thread."""
    url = DatabaseSettings.from_environment().url()
    if url.get_backend_name() != "sqlite":
        return sqlalchemy.create_engine(url, pool_size=threads)
    options = options_for("sqlite", "")
    return sqlalchemy.create_engine(url, connect_args={"timeout": 30}, execution_options=options)


def start() -> None:
    """Open everything and declare the actors. dramatiq calls this once in each process."""
    broker = create_broker(os.environ["REDIS_URL"])
    dramatiq.set_broker(broker)
    headers = {"x-api-key": os.environ["COBALT_API_KEY"]}
    client = httpx.Client(base_url=os.environ["COBALT_BASE_URL"], headers=headers, timeout=10)
    plain = Plain(client, create_engine(int(os.environ["WORKER_THREADS"])))
    for function in (plain.sign_up, plain.change_config):
        dramatiq.actor(broker=broker, queue_name=QUEUE, actor_name=function.__name__)(function)
