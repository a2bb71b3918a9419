"""A running installation in one process: database, Redis, Cobalt's sandbox, `web`, and the attempts of a worker."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import text
from starlette.types import ASGIApp

from cobalt_mirror.cobalt.sandbox import Fault, SandboxServer
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.events import ConnectionAuthorized, Event, UserSignedUp
from cobalt_mirror.workers.heartbeat import Heartbeat, Queues
from cobalt_mirror.workers.local.redis import EmbeddedRedis
from cobalt_mirror.workers.ops.subscription import subscribe
from cobalt_mirror.workers.redis_clients import create_redis
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web import create_app
from tests.commands import Shell
from tests.integration.reconcile.runs import reconcile
from tests.serving import serving
from tests.world import World

#: The customer who is connected.
ACME = "acme"
METRICS_TOKEN = "a-token-of-the-monitor"


@dataclass
class Installation:
    """What runs, and a shell beside it.

    Attributes:
        world: the database, the sandbox, and the attempts that a worker makes.
        redis: the Redis server.
        shell: where an operator types.
        account: the customer that `explain` is asked about.
    """

    world: World
    redis: EmbeddedRedis
    shell: Shell
    account: str = ACME
    _web: ExitStack = field(default_factory=ExitStack)
    _port: int = 0

    @property
    def webhook(self) -> str:
        return f"http://127.0.0.1:{self._port}/webhooks/cobalt"

    def serve(self, *, proxy: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> None:
        """Start `web`, or start it again; `proxy` is what stands before it."""
        self.close()
        app = create_app(self.world.settings, engine=self.world.engine)
        self._port = self._web.enter_context(serving(proxy(app), port=self._port))

    def close(self) -> None:
        self._web.close()

    def restart(self, **variables: str) -> None:
        """Start everything again with other settings; commands have them, too."""
        self.shell.variables.update(variables)
        changed = {name.lower(): value for name, value in variables.items()}
        self.world.settings = Settings(**{**self.world.settings.model_dump(), **changed})
        self.world.engine.dispose()
        self.world.engine = create_engine(self.world.settings)
        self.world.use_key(self.world.settings.require_key())
        self.serve()

    def faults(self, *rules: Fault) -> None:
        """Let Cobalt fail as these rules say."""
        self.world.sandbox.add_faults(*rules)

    def publish_and_work(self, *events: Event) -> None:
        """Publish, and make the attempts that are due."""
        self.world.publish(*events)
        self.world.work()

    def publish_long_ago(self, *events: Event) -> None:
        """Publish, and let 20 minutes pass in which nobody takes it up."""
        self.world.publish(*events)
        self.sql(
            "UPDATE cobalt_mirror.events SET due_at = due_at - interval '20 min', "
            "recorded_at = recorded_at - interval '20 min' WHERE status = 'pending'"
        )

    def beat(self) -> None:
        """Write the heartbeat of everything that has to run, as its Redis is now. It counts until this test's end."""
        with create_redis(self.world.settings) as client:
            queues = Queues(client, self.world.settings.redis_namespace)
            for kind in ProcessKind:
                of_process = None if kind is ProcessKind.WEB else queues
                self.sql("DELETE FROM cobalt_mirror.processes WHERE kind = :kind", kind=kind)
                Heartbeat(kind, self.world.engine, queues=of_process).beat()
        later = ", ".join(f"{name} = {name} + interval '1 h'" for name in ("seen_at", "local_at"))
        self.sql(f"UPDATE cobalt_mirror.processes SET {later}")

    def sql(self, statement: str, **values: Any) -> None:
        with self.world.engine.begin() as connection:
            connection.execute(text(statement), values)

    def metrics(self) -> str:
        """What Prometheus reads from `web`; empty: nothing."""
        address = self.webhook.replace("/webhooks/cobalt", "/metrics")
        answer = httpx.get(address, headers={"authorization": f"Bearer {METRICS_TOKEN}"}, timeout=30)
        return answer.text if answer.status_code == 200 else ""


@contextmanager
def running(database_url: str, server: EmbeddedRedis, shell: Shell) -> Iterator[Installation]:
    """Run everything: one customer is connected, everything was compared, and nothing waits."""
    world = World(database_url, options={"redis_url": server.url, "metrics_token": METRICS_TOKEN})
    installation = Installation(world, server, shell)
    with SandboxServer(world.sandbox) as cobalt:
        try:
            installation.restart(
                DATABASE_URL=database_url,
                REDIS_URL=server.url,
                COBALT_BASE_URL=cobalt.url,
                COBALT_API_KEY=world.key,
                MIRROR_SECRET_KEYS=world.secret_keys,
            )
            subscribe(world.settings, installation.webhook)
            installation.publish_and_work(UserSignedUp(ACME, name="Acme", udf={}))
            world.sandbox.connect(ACME, "slack")
            installation.publish_and_work(ConnectionAuthorized(ACME, "slack"))
            reconcile(world)
            world.work()
            installation.beat()
            yield installation
        finally:
            installation.close()
            world.close()
