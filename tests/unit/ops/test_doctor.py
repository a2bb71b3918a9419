"""What the examination says of each fact: a row for what is fine, and both sides of each boundary."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from cobalt_mirror.db.diagnosis import Locker, OpenTransaction, ServerFacts, Slot
from cobalt_mirror.db.lock_holders import Holder
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.workers.ops.actions import Action, Cause
from cobalt_mirror.workers.ops.doctor.cobalt_api import SLOW_SECONDS, judge_answer, judge_environment
from cobalt_mirror.workers.ops.doctor.database import (
    LONG_OPEN,
    MANY_DEAD,
    MUCH_KEPT,
    OLDEST_VERSION,
    SHORT_IDLE_SECONDS,
    SHORT_STATEMENT_SECONDS,
    judge_connections,
    judge_latency,
    judge_server,
    judge_writes,
)
from cobalt_mirror.workers.ops.doctor.database import SLOW_MS as SLOW_DATABASE_MS
from cobalt_mirror.workers.ops.doctor.finding import Finding, Level, broken, exit_code, fine, warning
from cobalt_mirror.workers.ops.doctor.processes import LONG_WITHOUT_PASS, judge_pass, judge_processes, judge_work
from cobalt_mirror.workers.ops.doctor.redis_server import SLOW_MS, RedisFacts, judge_redis
from cobalt_mirror.workers.ops.doctor.settings import judge_settings
from cobalt_mirror.workers.settings import Settings
from tests.unit.notices.test_endpoints import SECRET
from tests.unit.ops.test_actions import MICROSECOND, NOON, process
from tests.world import TEST_KEY


def troubles(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """What is not fine: how bad it is, and the beginning of what was seen. Each has a remedy, and nothing else has."""
    listed = list(findings)
    assert all((each.remedy is None) is (each.level is Level.FINE) for each in listed)
    return [(str(each.level), each.text) for each in listed if each.level is not Level.FINE]


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 0),
        ([fine("a", "x")], 0),
        ([fine("a", "x"), warning("a", "x", "y"), fine("a", "x")], 1),
        ([broken("a", "x", "y"), warning("a", "x", "y")], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


# --- the database -----------------------------------------------------------------------------------------------------

HEALTHY = ServerFacts(
    version=160_004,
    isolation="read committed",
    idle_seconds=0,
    statement_seconds=0,
    max_connections=97,
    connections=12,
    port=5432,
    sees_others=True,
    oldest=None,
    lockers=[],
    slots=[],
    prepared_since=None,
    live=100_000,
    dead=100,
    lacking=[],
)
OPEN = OpenTransaction(pid=7, user="app", application="pg_dump", state="active", since=NOON - LONG_OPEN)
LOCKER = Locker(table="events", holder=Holder(pid=7, application="app", since=NOON))
SLOT = Slot(name="old", is_active=False, age=1)
#: What our processes may take at most, by default.
OURS = Settings().worker_processes * 2 * Settings().worker_threads + 20

DATABASE = [
    pytest.param({}, None, id="healthy"),
    pytest.param({"version": OLDEST_VERSION * 10_000}, None, id="the oldest release"),
    pytest.param({"version": OLDEST_VERSION * 10_000 - 1}, "PostgreSQL 12", id="an older one"),
    pytest.param({"lacking": ["DELETE on events"]}, "the role lacks DELETE on events", id="a right is lacking"),
    pytest.param({"lacking": list("abcdefg")}, "the role lacks a, b, c, d, e and 2 more", id="many are"),
    pytest.param({"isolation": "serializable"}, None, id="another isolation level, which ours do not use"),
    pytest.param({"idle_seconds": SHORT_IDLE_SECONDS}, None, id="idle for long enough"),
    pytest.param({"idle_seconds": 4.9}, "the server ends transactions that are idle for 4.9 s", id="not for so long"),
    pytest.param({"statement_seconds": SHORT_STATEMENT_SECONDS}, None, id="statements may take long enough"),
    pytest.param({"statement_seconds": 9.9}, "the server ends statements after 9.9 s", id="they may not"),
    pytest.param({"port": None}, None, id="over a socket"),
    pytest.param({"port": 5433}, "a pooler or proxy at port 5432 is between us", id="another port"),
    pytest.param(
        {"oldest": OPEN}, "a transaction is open for 5 min (process 7 app pg_dump, active)", id="open for long"
    ),
    pytest.param({"oldest": replace(OPEN, since=OPEN.since + MICROSECOND)}, None, id="open for nearly as long"),
    pytest.param({"lockers": [LOCKER]}, "server process 7 (application app, in a transaction since", id="a lock"),
    pytest.param({"sees_others": False}, "this role may not see the transactions of others", id="it cannot tell"),
    pytest.param(
        {"sees_others": False, "oldest": OPEN}, "a transaction is open for 5 min", id="it sees one all the same"
    ),
    pytest.param({"slots": [SLOT]}, "replication slot old is not read by anybody and keeps the rows of 1", id="a slot"),
    pytest.param({"slots": [replace(SLOT, is_active=True)]}, None, id="a slot in use"),
    pytest.param({"slots": [replace(SLOT, is_active=True, age=MUCH_KEPT - 1)]}, None, id="one that keeps much"),
    pytest.param(
        {"slots": [replace(SLOT, is_active=True, age=MUCH_KEPT)]}, "replication slot old is read", id="too much"
    ),
    pytest.param({"prepared_since": NOON - LONG_OPEN}, "a prepared transaction waits for 5 min", id="two-phase commit"),
    pytest.param({"prepared_since": NOON - LONG_OPEN + MICROSECOND}, None, id="for nearly as long"),
    pytest.param({"live": 0, "dead": MANY_DEAD}, None, id="many dead rows"),
    pytest.param({"live": MANY_DEAD + 1, "dead": MANY_DEAD + 1}, None, id="more, and as many live ones"),
    pytest.param(
        {"live": MANY_DEAD, "dead": MANY_DEAD + 1}, "the table events has 100,000 rows, and 100,001", id="more"
    ),
    pytest.param({"max_connections": OURS}, None, id="as many connections as ours may take"),
    pytest.param({"max_connections": OURS - 1}, f"12 of {OURS - 1} connections are in use", id="fewer"),
]


@pytest.mark.parametrize(("changes", "expected"), DATABASE)
def test_a_postgresql_server_is_judged(changes: dict[str, Any], expected: str | None) -> None:
    facts = replace(HEALTHY, **changes)
    found = troubles(
        [*judge_server(facts, Settings(), at=NOON, port=5432), judge_connections(facts, Settings(), workers=1)]
    )

    level = "broken" if facts.lacking or facts.lockers else "warning"
    assert [level for level, _ in found] == ([] if expected is None else [level])
    assert expected is None or found[0][1].startswith(expected)


def test_behind_a_pooler_without_prepared_statements_all_is_fine() -> None:
    settings = Settings(database_prepared_statements=False)

    assert troubles(judge_server(replace(HEALTHY, port=6432), settings, at=NOON, port=5432)) == []


def test_each_worker_takes_its_connections() -> None:
    facts = replace(HEALTHY, max_connections=OURS)
    ((level, text),) = troubles([judge_connections(facts, Settings(), workers=Settings().worker_processes + 1)])

    assert level == "warning"
    assert text.endswith(f"our processes may take {OURS + 2 * Settings().worker_threads}")


@pytest.mark.parametrize(("milliseconds", "is_slow"), [(SLOW_DATABASE_MS, False), (SLOW_DATABASE_MS + 0.1, True)])
def test_a_statement_may_take_twenty_milliseconds(milliseconds: float, is_slow: bool) -> None:
    assert bool(troubles([judge_latency(milliseconds)])) is is_slow


def test_a_database_that_takes_no_writes_is_broken() -> None:
    assert troubles([judge_writes(None)]) == []
    assert troubles([judge_writes("the disk is full; free space")]) == [("broken", "the disk is full")]


# --- Redis ------------------------------------------------------------------------------------------------------------

REDIS = {"redis_version": "7.2.4", "maxmemory": 100, "used_memory": 89, "maxmemory_policy": "noeviction"}


@pytest.mark.parametrize(
    ("info", "milliseconds", "expected"),
    [
        pytest.param(REDIS, SLOW_MS, [], id="healthy"),
        pytest.param(REDIS, SLOW_MS + 0.1, [("warning", "version 7.2.4, answers in 20.1 ms")], id="slow"),
        pytest.param(
            {}, 1.0, [("warning", "answers in 1.0 ms; this user may not read its INFO")], id="INFO is refused"
        ),
        pytest.param({**REDIS, "redis_version": "6.2.0"}, 1.0, [], id="the oldest release"),
        pytest.param({**REDIS, "redis_version": "6.0.16"}, 1.0, [("warning", "version 6.0.16")], id="an older one"),
        pytest.param({**REDIS, "used_memory": 90}, 1.0, [("warning", "90% of its memory is in use")], id="nearly full"),
        pytest.param(
            {**REDIS, "maxmemory_policy": "allkeys-lru"}, 1.0, [("broken", "when its memory is full it drops")]
        ),
        pytest.param({**REDIS, "maxmemory_policy": "allkeys-lru", "maxmemory": 0}, 1.0, [], id="it is never full"),
    ],
)
def test_a_redis_is_judged(info: dict[str, Any], milliseconds: float, expected: list[tuple[str, str]]) -> None:
    found = troubles(judge_redis(RedisFacts(info=info, milliseconds=milliseconds)))

    assert [level for level, _ in found] == [level for level, _ in expected]
    assert all(text.startswith(beginning) for (_, text), (_, beginning) in zip(found, expected, strict=True))


# --- Cobalt, settings and processes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "is_slow"), [(SLOW_SECONDS, False), (SLOW_SECONDS + 0.01, True)])
def test_an_answer_of_cobalts_may_take_two_seconds(seconds: float, is_slow: bool) -> None:
    assert bool(troubles([judge_answer("http://cobalt.test", seconds)])) is is_slow


@pytest.mark.parametrize(
    ("of_key", "pinned", "is_wrong"),
    [
        ("test", "test", False),
        ("test", None, False),
        (None, "test", False),
        (None, None, False),
        ("test", "production", True),
    ],
)
def test_key_and_database_are_of_one_environment(of_key: str | None, pinned: str | None, is_wrong: bool) -> None:
    assert [level for level, _ in troubles([judge_environment(of_key, pinned)])] == (["broken"] if is_wrong else [])


def test_a_variable_that_is_nearly_a_setting_is_named() -> None:
    settings = Settings(cobalt_api_key=SecretStr("tk_x"), mirror_secret_keys=SecretStr(TEST_KEY))
    variables = ["PATH", "COBALT_API_KEY", "mirror_secret_keys", "COBALT_RATE_PER_SECONDS", "RECONCILE_HOURS"]
    findings = list(judge_settings(settings, variables, []))

    assert findings[0].text.startswith("from the environment: COBALT_API_KEY, MIRROR_SECRET_KEYS; ")
    assert [text.split()[0] for _, text in troubles(findings)] == ["COBALT_RATE_PER_SECONDS", "RECONCILE_HOURS"]


def test_keys_that_are_absent_or_look_wrong_are_named() -> None:
    found = troubles(judge_settings(Settings(), [], ["COBALT_PREVIOUS_API_KEY begins with neither; copy it again"]))

    assert [(level, text.split(maxsplit=1)[0]) for level, text in found] == [
        ("broken", "COBALT_API_KEY"),
        ("warning", "COBALT_PREVIOUS_API_KEY"),
        ("warning", "MIRROR_SECRET_KEYS"),
    ]


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"notices_secret": SecretStr(SECRET), "public_url": "https://mirror.test"}, []),
        (
            {"notices_secret": SecretStr(SECRET)},
            [("warning", "PUBLIC_URL is not set, so notices have no reconnect link")],
        ),
        ({"public_url": "https://mirror.test"}, [("broken", "NOTICES_SECRET is not set, and NOTICES_URL is")]),
    ],
)
def test_notices_that_cannot_be_sent_or_help_nobody_are_named(
    settings: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    keys = {"cobalt_api_key": SecretStr("tk_x"), "mirror_secret_keys": SecretStr(TEST_KEY)}

    judged = judge_settings(Settings(notices_url="https://app.test/", **keys, **settings), [], [])

    assert troubles(judged) == found


def test_two_releases_at_a_time_are_a_warning_and_the_dead_do_not_count() -> None:
    now, old = process(ProcessKind.WORKER), process(ProcessKind.WORKER, release="0.9")

    assert troubles(judge_processes([now], NOON)) == []
    assert troubles(judge_processes([], NOON)) == []
    assert troubles(judge_processes([now, replace(old, ended_at=NOON)], NOON)) == []
    ((level, text),) = troubles(judge_processes([now, old], NOON))
    assert (level, text) == ("warning", "2 worker run, of several releases: 0.9, 1.0")


def test_what_status_calls_for_is_broken() -> None:
    action = Action(cause=Cause.NO_RELAY, text="no relay runs, so nothing goes on; start `cobalt-mirror relay`")

    assert troubles(judge_work([])) == []
    assert troubles(judge_work([action])) == [("broken", "no relay runs, so nothing goes on")]


@pytest.mark.parametrize(
    ("passed", "has_accounts", "is_late"),
    [
        pytest.param(None, False, False, id="never, and nothing to compare"),
        pytest.param(None, True, True, id="never"),
        pytest.param(LONG_WITHOUT_PASS, True, False, id="26 hours ago"),
        pytest.param(LONG_WITHOUT_PASS + MICROSECOND, True, True, id="longer ago"),
    ],
)
def test_a_complete_reconciliation_a_day_is_expected(
    passed: timedelta | None, has_accounts: bool, is_late: bool
) -> None:
    finding = judge_pass(None if passed is None else NOON - passed, NOON, has_accounts=has_accounts)

    assert bool(troubles([finding])) is is_late
