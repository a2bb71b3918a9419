"""What no log, no row and no metric may hold, and where a run looks for it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import redis
from sqlalchemy import Connection, select

from cobalt_mirror.cobalt.sandbox import catalogue
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.tables import metadata
from cobalt_mirror.events import Event
from tests.chaos.invariants import Finding
from tests.chaos.journeys import CREDENTIALS
from tests.chaos.services import Services

#: Values of password fields, as the demo's form makes them.
PASSWORDS = "|".join(
    rf"{re.escape(field.name)} [0-9]"
    for application in catalogue.whole_catalogue()
    for field in (*application.fields, *(field for workflow in application.workflows for field in workflow.fields))
    if field.field_type == "password"
)
#: What is known by its form.
FORMS = {
    "credentials": re.escape(CREDENTIALS),
    "a password value": PASSWORDS,
    "a session token": "(?:st|rt)_[0-9a-f]{64}",
}

#: What an event says a secret in.
_SAY = ("auth_credentials", "fields", "workflows")


def find_told(services: Services, published: Iterable[Event]) -> Finding:
    """Look for secrets in everything that was written. What is found is named, and not repeated."""
    settings = services.settings
    values = {
        "Cobalt's API key": settings.cobalt_api_key.get_secret_value(),
        "the token of /metrics": settings.metrics_token.get_secret_value(),
        "the key of the secrets": settings.mirror_secret_keys.get_secret_value(),
    }
    told = search({**FORMS, **{name: re.escape(value) for name, value in values.items()}}, places(services))
    meant = search(FORMS, (("an event", repr([getattr(event, name, None) for name in _SAY])) for event in published))
    return replace(told, counts={**told.counts, "secrets published": len(meant.violations)})


def places(services: Services) -> Iterator[tuple[str, str]]:
    """Yield everything that was written, by its name: log files, rows of our tables, metrics, what is in Redis.

    The sandbox's own log is not ours: it tells the test key, for whoever is to use it.
    """
    for log in (services.folder / name for name in ("processes.log", "commands.log")):
        yield from ((f"{log.name}:{number}", line) for number, line in enumerate(_lines(log), 1))
    with reading(services.engine).begin() as connection:
        yield from _rows(connection)
    headers = {"Authorization": f"Bearer {services.settings.metrics_token.get_secret_value()}"}
    metrics = httpx.get(f"{services.web_url}/metrics", headers=headers, trust_env=False).raise_for_status()
    yield "/metrics", metrics.text
    for url in services.metrics_urls:
        with suppress(httpx.TransportError):  # it may have been killed a moment ago
            yield url, httpx.get(url, trust_env=False).raise_for_status().text
    yield from _redis(services.redis.url)


def _lines(log: Path) -> Iterator[str]:
    with log.open(encoding="utf-8", errors="replace") as lines:
        yield from lines


def _rows(connection: Connection) -> Iterator[tuple[str, str]]:
    for table in metadata.sorted_tables:
        for row in connection.execute(select(table)):
            yield f"a row of {table.name}", repr(tuple(row))


def _redis(url: str) -> Iterator[tuple[str, str]]:
    """Yield all keys of Redis with their values, as Redis itself writes them out."""
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter():
            yield f"Redis {key!r}", repr((key, client.dump(key)))


def search(looked_for: Mapping[str, str], written: Iterable[tuple[str, str]]) -> Finding:
    """Look for patterns, by their names, in texts, by their places."""
    compiled = {name: re.compile(pattern) for name, pattern in looked_for.items()}
    counts = Counter({"lines of logs": 0, "rows, keys and metrics": 0})
    told: list[str] = []
    for place, text in written:
        counts["lines of logs" if ".log:" in place else "rows, keys and metrics"] += 1
        told += [f"{name} in {place}" for name, pattern in compiled.items() if pattern.search(text)]
    return Finding(name="no secret is told", counts=counts, violations=told)
