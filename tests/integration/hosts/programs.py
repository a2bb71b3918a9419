"""What hosts run: an app of each framework, and the same steps through each driver."""

#: A FastAPI app with an AsyncSession, which also serves our web application and the page of integrations.
FASTAPI = """
import sys
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from cobalt_mirror import UserSignedUp, create_app, governed_client, list_events_async, publish_async
from cobalt_mirror.web import integrations_page

make_session = async_sessionmaker(create_async_engine(sys.argv[1]))
app = FastAPI()
app.mount("/cobalt", create_app())
app.mount("/integrations", integrations_page(lambda request: None))
governed_client().close()

async def session():
    async with make_session() as opened:
        yield opened

@app.post("/customers/{customer_id}")
async def sign_up(customer_id: str, session: AsyncSession = Depends(session)) -> bool:
    receipt = await publish_async(UserSignedUp(customer_id, name="Ann Ltd"), session)
    await session.commit()
    return receipt.is_new

@app.get("/customers/{customer_id}")
async def events(customer_id: str, session: AsyncSession = Depends(session)) -> list[str]:
    return [event.type for event in await list_events_async(session, customer_id)]

with TestClient(app) as client:
    print(client.post("/customers/ann").json(), client.get("/customers/ann").json())
    print(client.get("/cobalt/healthz").status_code, client.get("/cobalt/docs").status_code)
    described = client.get("/cobalt/openapi.json").json()
    print(described["servers"], "/changes" in described["paths"], "Integration" in described["components"]["schemas"])
    page = client.get("/integrations")
    print(page.status_code, page.text.partition("<p>")[2].partition(" Sign")[0])
"""

#: A Flask app with Flask-SQLAlchemy.
FLASK = """
import sys
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from cobalt_mirror import UserSignedUp, integrations, list_events, publish

app = Flask("host")
app.config["SQLALCHEMY_DATABASE_URI"] = sys.argv[1]
db = SQLAlchemy(app)

@app.post("/customers/<customer_id>")
def sign_up(customer_id):
    receipt = publish(UserSignedUp(customer_id, name="Ann Ltd"), db.session)
    db.session.commit()
    return {"is_new": receipt.is_new}

@app.get("/customers/<customer_id>")
def events(customer_id):
    assert integrations(db.session, customer_id) == []
    return [event.type for event in list_events(db.session, customer_id)]

client = app.test_client()
print(client.post("/customers/ann").json, client.get("/customers/ann").json)
"""
#: Below the code of docs/page.md: who signed in with Flask sees the page as the same customer, and nobody else does.
FLASK_WITH_THE_PAGE = """
from flask import session as signed_in
from starlette.testclient import TestClient

@shop.post("/sign-in")
def sign_in():
    signed_in["customer_id"] = "ann"
    return "welcome"

browser = TestClient(app, base_url="http://localhost", follow_redirects=False)
print(browser.get("/integrations/").headers["location"], browser.post("/sign-in").text)
print("data-mark=" in browser.get("/integrations/").text)
browser.cookies = {"session": "guess"}
print(browser.get("/integrations/").status_code)
"""

#: Every function of a host's, in a session of its own on each driver. Arguments: URLs of PostgreSQL and SQLite.
DRIVERS = """
import asyncio, json, sys
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session
from cobalt_mirror import (
    ConfigChanged, ConnectionAuthorized, ConnectionRemoved, UserSignedUp, find_account, integrations, list_configs,
    list_connections, list_events, list_events_async, list_history, list_workflow_runs, publish, publish_async,
    publish_many, wait_for, wait_for_async,
)
from cobalt_mirror.events import IdConflict

COLUMNS = "(id, type, linked_account_id, slug, payload)"
INSERT = f"INSERT INTO {{}} {COLUMNS} VALUES (:id, 'config_changed', :account, 'slack', {{}})"
INSERTS = {
    "postgresql": text(INSERT.format("cobalt_mirror.events", "CAST(:payload AS jsonb)")),
    "sqlite": text(INSERT.format("events", ":payload")),
}

def use(session, account):
    sign_up = UserSignedUp(account, name="Acme \\u2028", udf={"plan": "pro"}, id=f"{account}-1")
    assert [publish(sign_up, session).is_new for _ in range(2)] == [True, False]
    change = ConfigChanged(account, "slack", fields={"a": [1, 1.5, {"b": True, "c": None}]}, id=f"{account}-2")
    several = [ConnectionAuthorized(account, "slack"), change, ConnectionRemoved(account, "jira")]
    assert [receipt.is_new for receipt in publish_many(several, session)] == [True, True, True]
    try:
        publish(ConfigChanged(account, "slack", fields={"a": [True, 1.5]}, id=f"{account}-2"), session)
    except IdConflict:
        pass
    else:
        raise AssertionError("no conflict")
    by_sql = ConfigChanged(account, "slack", fields={"n": 1.5, "m": 3}, id=f"{account}-3")
    insert = INSERTS[session.connection().dialect.name]
    session.execute(insert, {"id": by_sql.id, "account": account, "payload": json.dumps(by_sql.payload())})
    assert not publish(by_sql, session).is_new
    events = list_events(session, account)
    assert len(events) == 5 and all(event.occurred_at.tzinfo for event in events)
    assert find_account(session, account) is None
    for read in (integrations, list_connections, list_configs, list_history, list_workflow_runs):
        assert read(session, account) == []

def use_savepoints(session, account):
    for number, keeps in enumerate((True, False)):
        nested = session.begin_nested()
        publish(UserSignedUp(account, id=f"{account}-{number}"), session)
        nested.commit() if keeps else nested.rollback()
    assert [event.id for event in list_events(session, account)] == [f"{account}-0"]

def in_session(url, account, **options):
    engine = create_engine(url, **options)
    with Session(engine) as session:
        use(session, account)
        if options.get("isolation_level") != "AUTOCOMMIT":
            use_savepoints(session, f"{account}-nested")
        session.commit()
        receipt = publish(UserSignedUp(account, id=f"{account}-4"), session)
        session.commit()
        assert wait_for(receipt, session, timeout_seconds=0).is_pending
    engine.dispose()

def in_async_session(url, account, **options):
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    async def run():
        engine = create_async_engine(url, **options)
        async with AsyncSession(engine) as session:
            await session.run_sync(use, account)
            if options.get("isolation_level") != "AUTOCOMMIT":
                await session.run_sync(use_savepoints, f"{account}-nested")
            receipt = await publish_async(UserSignedUp(account, id=f"{account}-4"), session)
            assert len(await list_events_async(session, account)) == 6
            await session.commit()
            assert (await wait_for_async(receipt, session, timeout_seconds=0)).is_pending
        await engine.dispose()

    asyncio.run(run())

ASYNC = ("asyncpg", "psycopg_async", "aiosqlite")

def through(driver, account, url=sys.argv[1], **options):
    url = make_url(url)
    url = url.set(drivername=f"{url.get_backend_name()}+{driver}")
    if driver == "pg8000" and str(url.query.get("host", "")).startswith("/"):
        url = url.set(query={"unix_sock": f"{url.query['host']}/.s.PGSQL.{url.port or 5432}"})
    run = in_async_session if driver in ASYNC else in_session
    run(url, account, **options)
    print(account, "works")
"""
EVERY_DRIVER = """
for driver in ("psycopg", "psycopg2", "pg8000", "asyncpg", "psycopg_async"):
    through(driver, driver)
for driver in ("pysqlite", "aiosqlite"):
    through(driver, driver, sys.argv[2])
"""
#: Engines that hosts set up in a way of their own.
EVERY_ENGINE = """
from decimal import Decimal
from functools import partial

EVERYWHERE = {
    "serializer": {"json_serializer": partial(json.dumps, default=str, sort_keys=True, ensure_ascii=False)},
    "decimals": {"json_deserializer": partial(json.loads, parse_float=Decimal)},
    "autocommit": {"isolation_level": "AUTOCOMMIT"},
    "serializable": {"isolation_level": "SERIALIZABLE"},
}
OF_LIBPQ = {
    "no_search_path": {"connect_args": {"options": "-csearch_path="}},
    "our_search_path": {"connect_args": {"options": "-csearch_path=cobalt_mirror,public"}},
}
for driver in ("psycopg", "psycopg2", "pg8000", "asyncpg", "psycopg_async"):
    for name, options in EVERYWHERE.items():
        through(driver, f"{name}-{driver}", **options)
for driver in ("psycopg", "psycopg2"):
    for name, options in OF_LIBPQ.items():
        through(driver, f"{name}-{driver}", **options)
"""

#: A host with our package alone, and what it says of the parts that need more. Argument: the URL of a SQLite.
PLAIN = """
import sys
from importlib import import_module
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
import cobalt_mirror
from cobalt_mirror import ConfigChanged, UserSignedUp, changes, integrations, list_events, publish, publish_many

with Session(create_engine(sys.argv[1])) as session:
    publish(UserSignedUp("ann", name="Ann Ltd", auth_credentials={"token": "s3cret"}), session)
    publish_many([ConfigChanged("ann", "slack", fields={"channel": "alerts"})], session)
    session.commit()
    print([str(event.type) for event in list_events(session, "ann")], integrations(session, "ann"), changes(session))
print(publish(UserSignedUp("bob")).is_new)
for load in (
    lambda: cobalt_mirror.governed_client,
    lambda: cobalt_mirror.create_app,
    lambda: import_module("cobalt_mirror.web"),
):
    try:
        load()
    except ImportError as error:
        print(str(error).replace(error.name.partition(".")[0], "...", 1))
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
