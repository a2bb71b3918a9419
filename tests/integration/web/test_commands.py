"""The command line's part: the served endpoints as a process, the webhook at Cobalt, and what `status` warns of."""

import json
import re
import shutil
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, insert, select

from cobalt_mirror.cobalt import Client, sign
from cobalt_mirror.cobalt.sandbox import SandboxServer
from cobalt_mirror.cobalt.webhooks import EVENT_NAMES
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.notifications import (
    EndedRun,
    Subscription,
    find_subscription,
    record_subscription,
    record_workflow_run,
)
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.statuses import RunEnding
from cobalt_mirror.db.tables import connections, events, notifications, runs
from tests.commands import Shell, family_of, read_until, still_running
from tests.integration.web.endpoints import connection_notification
from tests.waiting import wait_until

URL = "https://mirror.test/webhooks/cobalt"


@pytest.fixture
def cobalt() -> Iterator[SandboxServer]:
    """A Cobalt that answers on the loopback and delivers its notifications."""
    with SandboxServer() as server:
        yield server


@pytest.fixture
def client(cobalt: SandboxServer) -> Iterator[Client]:
    """What shows the webhooks that Cobalt has."""
    with Client("tk_sandbox", base_url=cobalt.url) as client:
        yield client


@pytest.fixture
def mirror(tmp_path: Path, migrated_sqlite: Path, cobalt: SandboxServer) -> Shell:
    """A shell with a migrated, empty mirror."""
    file = tmp_path / "mirror.db"
    shutil.copy(migrated_sqlite, file)
    settings = {"DATABASE_URL": f"sqlite:///{file}", "COBALT_API_KEY": "tk_sandbox", "COBALT_BASE_URL": cobalt.url}
    return Shell(tmp_path, {**settings, "WEB_PORT": "0", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"})


@pytest.fixture
def engine(mirror: Shell) -> Iterator[Engine]:
    """The mirror's database."""
    engine = create_engine(DatabaseSettings(database_url=mirror.variables["DATABASE_URL"]))
    yield engine
    engine.dispose()


def address(said: str) -> str:
    found = re.search(r"http://\S+:\d+", said)
    assert found is not None
    return found[0]


# --- web --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_web_serves_until_it_is_told_to_stop(mirror: Shell, engine: Engine, number: signal.Signals) -> None:
    with mirror.start("web", EVENTS_TOKEN="a-token") as web, httpx.Client(trust_env=False) as host:
        url = address(read_until(web, "listens"))
        body = json.dumps(connection_notification()).encode()
        signed = {"x-cobalt-signature": sign(body, "tk_sandbox")}
        told = host.post(f"{url}/webhooks/cobalt", content=body, headers=signed)
        large = host.post(f"{url}/webhooks/cobalt", content=b" " * 3_000_000, headers=signed)
        without_length = host.post(f"{url}/webhooks/cobalt", content=iter([b" " * 500_000] * 9), headers=signed)
        again = host.post(f"{url}/webhooks/cobalt", content=body, headers=signed)
        ready = host.get(f"{url}/readyz")
        everybody = family_of(web.pid)
        web.send_signal(number)
        said, _ = web.communicate(timeout=20)

    assert [told.status_code, large.status_code, without_length.status_code, again.status_code] == [200, 413, 413, 200]
    assert (ready.status_code, ready.json()) == (200, {"database": "ready"})
    assert (web.returncode, said) == (0, "")
    assert still_running(everybody) == set()
    with reading(engine).begin() as connection:
        assert len(connection.execute(select(notifications)).all()) == 2


def test_web_says_what_it_lacks(mirror: Shell, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for variables, wanted in (
            ({"COBALT_API_KEY": ""}, "COBALT_API_KEY is not set"),
            ({"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"}, "run `cobalt-mirror migrate`"),
            ({"WEB_PORT": "70000"}, "WEB_PORT"),
            ({"WEB_PORT": port}, f"cannot listen at 127.0.0.1, port {port}"),
            ({"WEB_PORT": "", "PORT": port}, "correct WEB_HOST or PORT"),
            ({"COBALT_PREVIOUS_API_KEY": "two words"}, "COBALT_PREVIOUS_API_KEY"),
        ):
            ended = mirror.run("web", **variables)

            assert (ended.status, ended.output, ended.errors.count("\n")) == (1, "", 1)
            assert wanted in ended.errors


def test_what_happens_at_cobalt_reaches_the_mirror_through_real_processes(
    mirror: Shell, engine: Engine, cobalt: SandboxServer, redis_url: str
) -> None:
    redis = {"REDIS_URL": redis_url}
    with mirror.start("web") as web, mirror.start("worker", **redis) as worker, mirror.start("relay", **redis):
        url = f"{address(read_until(web, 'listens'))}/webhooks/cobalt"
        assert mirror.run("webhook", "ensure", url).status == 0
        read_until(worker, "ready for action")
        assert mirror.run("publish", "user_signed_up", "acme").status == 0
        wait_until(partial(event_is, engine, "done"))
        dashboard = cobalt.sandbox
        for happen, status in (
            (dashboard.connect, "connected"),
            (dashboard.expire_connection, "reauth_required"),
            (dashboard.connect, "connected"),
            (dashboard.disconnect, "disconnected"),
        ):
            happen("acme", "slack")
            wait_until(partial(connection_is, engine, status))
        for process in (web, worker):
            process.terminate()
            process.wait(timeout=30)


def connection_is(engine: Engine, status: str) -> bool:
    with reading(engine).begin() as connection:
        return connection.execute(select(connections.c.status)).scalar() == status


def event_is(engine: Engine, status: str) -> bool:
    with reading(engine).begin() as connection:
        return connection.execute(select(events.c.status)).scalar() == status


# --- webhook ensure ---------------------------------------------------------------------------------------------------


def test_the_webhook_is_registered_once(mirror: Shell, client: Client, engine: Engine) -> None:
    first_time, again = mirror.run("webhook", "ensure", URL), mirror.run("webhook", "ensure", URL)

    assert (first_time.status, first_time.output) == (0, f"registered {URL}\n")
    assert (again.status, again.output) == (0, f"nothing to do: {URL} is registered and enabled\n")
    (webhook,) = client.fetch_webhooks()
    assert (webhook.webhook_url, webhook.is_enabled, set(webhook.webhook_events)) == (URL, True, set(EVENT_NAMES))
    with reading(engine).begin() as connection:
        remembered = find_subscription(connection)
    assert remembered is not None
    assert remembered.url == URL


def test_a_webhook_that_is_disabled_or_lacks_events_is_repaired(mirror: Shell, client: Client) -> None:
    created = client.create_webhook(URL, EVENT_NAMES[:3])
    client.update_webhook(created.id, is_enabled=False)

    ended = mirror.run("webhook", "ensure", URL)

    assert ended.output == f"repaired {URL}, which was disabled and did not send {', '.join(EVENT_NAMES[3:])}\n"
    (webhook,) = client.fetch_webhooks()
    assert (webhook.id, webhook.is_enabled, set(webhook.webhook_events)) == (created.id, True, set(EVENT_NAMES))


def test_another_url_moves_the_webhook_and_leaves_those_of_others_alone(mirror: Shell, client: Client) -> None:
    client.create_webhook("https://somebody.else.test/", EVENT_NAMES[:1])
    mirror.run("webhook", "ensure", URL)

    ended = mirror.run("webhook", "ensure", URL + "/new")

    assert ended.output == f"repaired {URL}/new, which pointed to {URL}\n"
    assert {each.webhook_url for each in client.fetch_webhooks()} == {"https://somebody.else.test/", URL + "/new"}


@pytest.mark.parametrize("url", ["nonsense", "ftp://x/y", "https://", "https://a b/", "http://[x"])
def test_what_is_no_address_is_refused(mirror: Shell, client: Client, url: str) -> None:
    assert mirror.run("webhook", "ensure", url).status == 2
    assert client.fetch_webhooks() == []


def test_a_refused_key_is_said_and_nothing_is_remembered(mirror: Shell, engine: Engine) -> None:
    ended = mirror.run("webhook", "ensure", URL, COBALT_API_KEY="tk_wrong")

    assert (ended.status, ended.output) == (1, "")
    assert "COBALT_API_KEY" in ended.errors
    with reading(engine).begin() as connection:
        assert find_subscription(connection) is None


@pytest.mark.parametrize("path", ["/webhooks/cobalt", "/webhooks/cobalt/"])
def test_a_test_notification_says_that_the_address_works(mirror: Shell, engine: Engine, path: str) -> None:
    with mirror.start("web") as web:
        url = address(read_until(web, "listens")) + path
        ended = mirror.run("webhook", "ensure", url)
        wrong = mirror.run("webhook", "ensure", url.replace("cobalt", "other"))

    assert (ended.status, ended.errors) == (0, "")
    assert ended.output == f"registered {url}\na test notification arrived at {url}\n"
    assert wrong.status == 0
    assert "answers 404: it does not serve POST at this path" in wrong.errors
    with reading(engine).begin() as connection:
        assert connection.execute(select(notifications.c.event)).scalars().all() == ["Delivery Test"]


def test_an_address_that_is_not_reachable_from_here_is_registered_with_a_warning(mirror: Shell, client: Client) -> None:
    ended = mirror.run("webhook", "ensure", "http://127.0.0.1:1/webhooks/cobalt")

    assert (ended.status, ended.output) == (0, "registered http://127.0.0.1:1/webhooks/cobalt\n")
    assert ended.errors.startswith("warning: a test notification did not reach http://127.0.0.1:1/webhooks/cobalt from")
    assert [webhook.is_enabled for webhook in client.fetch_webhooks()] == [True]


# --- status -----------------------------------------------------------------------------------------------------------


def warnings(mirror: Shell, *options: str, **variables: str) -> list[str]:
    ended = mirror.run("status", "--json", *options, **variables)
    assert ended.status == 0, ended.errors
    found: list[str] = json.loads(ended.output)["warnings"]
    return found


def test_a_webhook_that_works_is_not_warned_of(mirror: Shell) -> None:
    mirror.run("webhook", "ensure", URL)

    assert warnings(mirror) == []


def test_a_webhook_that_nobody_arranged_is_warned_of(mirror: Shell) -> None:
    assert "cobalt-mirror webhook ensure URL" in warnings(mirror)[0]
    assert "warning" in mirror.run("status").output


def test_a_webhook_that_is_missing_or_disabled_at_cobalt_is_warned_of(mirror: Shell, client: Client) -> None:
    mirror.run("webhook", "ensure", URL)
    (webhook,) = client.fetch_webhooks()

    client.update_webhook(webhook.id, is_enabled=False)
    assert warnings(mirror) == [f"Cobalt's webhook for {URL} was disabled; run `cobalt-mirror webhook ensure {URL}`"]
    client.delete_webhook(webhook.id)
    assert warnings(mirror) == [f"Cobalt has no webhook for {URL} any more; run `cobalt-mirror webhook ensure {URL}`"]
    assert warnings(mirror, "--offline") == []
    assert warnings(mirror, COBALT_API_KEY="") == []


def test_a_cobalt_that_does_not_answer_is_said_soon(mirror: Shell) -> None:
    (warning,) = warnings(mirror, COBALT_BASE_URL="http://127.0.0.1:1")

    assert warning.startswith("the webhook could not be checked")


def test_silence_is_warned_of(mirror: Shell, engine: Engine) -> None:
    since = datetime.now(UTC) - timedelta(days=1)
    with engine.begin() as connection:
        record_subscription(connection, Subscription(url=URL, since=since))
        for number in range(3):
            at = since + timedelta(hours=number + 1)
            row = {"id": str(number), "options": {}, "started_at": at, "walking_since": at, "finished_at": at}
            connection.execute(insert(runs).values(**row, repaired=1))

    (warning,) = warnings(mirror, "--offline")
    assert f"no notification from Cobalt since {since:%Y-%m-%d %H:%M:%S}Z, although 3 runs" in warning


def test_runs_of_workflows_are_shown_with_their_customer(mirror: Shell, engine: Engine) -> None:
    assert mirror.run("publish", "user_signed_up", "acme").status == 0
    with engine.begin() as connection:
        run = EndedRun(
            linked_account_id="acme",
            workflow_id="w1",
            config_id=None,
            workflow_name="Send alerts",
            ending=RunEnding.ERRORED,
            status="ERRORED",
            error="no such channel",
        )
        record_workflow_run(connection, run, at=datetime.now(UTC))

    assert re.search(r"w1 +Send alerts +0 +1 +0 +0 .*ERRORED +no such channel", mirror.run("show", "acme").output)
    (shown,) = json.loads(mirror.run("show", "acme", "--json").output)["workflow_runs"]
    assert (shown["errored"], shown["last_error"]) == (1, "no such channel")
