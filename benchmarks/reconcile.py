"""What a reconciliation costs: `python -m benchmarks.reconcile [ACCOUNTS ...]`, on SQLite and PostgreSQL.

Each pass is a process of its own, so that its peak memory is its own. Cobalt's listing is made up page by page, so no
stand-in takes memory or much time. No rate limit holds.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from cobalt import Client
from db import tables
from db.engine import create_engine
from db.migrate import upgrade
from tests.services import postgres_server
from workers.attempt import Attempts
from workers.catalogue import Catalogue
from workers.reconcile import Options, Reconciliation
from workers.reconcile.calls import CallCounter
from workers.settings import Settings

SIZES = (10_000, 100_000)
MOMENT = "2026-01-31T12:00:00.000Z"


class Listing(httpx.BaseTransport):
    """A Cobalt that has so many accounts, each connected to two applications, and no other call."""

    def __init__(self, accounts: int) -> None:
        self._accounts = accounts

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one page of the listing, or an empty catalogue."""
        if "page" not in request.url.params:
            return httpx.Response(200, json=[], request=request)
        page, limit = int(request.url.params["page"]), min(int(request.url.params["limit"]), 100)
        numbers = range((page - 1) * limit, min(page * limit, self._accounts))
        document = {
            "docs": [_account(number) for number in numbers],
            "totalDocs": self._accounts,
            "limit": limit,
            "page": page,
            "hasNextPage": page * limit < self._accounts,
        }
        return httpx.Response(200, content=json.dumps(document).encode(), request=request)


def _account(number: int) -> dict[str, Any]:
    return {
        "_id": f"{number:024x}",
        "associated_org": "org",
        "account_id": f"customer-{number:07}",
        "environment": "test",
        "name": f"Customer {number}",
        "udf": [{"key_name": "plan", "key_value": "pro"}, {"key_name": "seats", "key_value": str(number % 100)}],
        "integrations": [_integration(number, slug) for slug in ("slack", "hubspot")],
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
        "__v": 0,
    }


def _integration(number: int, slug: str) -> dict[str, Any]:
    return {
        "_id": f"{number:024x}",
        "type": slug,
        "name": slug.title(),
        "icon": f"https://icons.example.com/{slug}.svg",
        "identifier": f"customer-{number}@{slug}.example.com",
        "reauth_required": False,
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
    }


def one_pass(url: str, accounts: int) -> dict[str, Any]:
    """Reconcile once in this process and measure it."""
    settings = Settings(database_url=url, cobalt_api_key="tk_x", reconcile_config_share=0)
    engine = create_engine(settings)
    counter = CallCounter()
    with Client("tk_x", base_url="http://cobalt.test", transport=Listing(accounts), governor=counter) as client:
        reconciliation = Reconciliation(
            attempts=Attempts(engine=engine, client=client, settings=settings, vault=settings.vault()),
            catalogue=Catalogue(engine=engine, client=client, settings=settings),
            calls=counter,
        )
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        report = reconciliation.run(Options())
        took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    with engine.begin() as connection:
        history = connection.execute(select(func.count()).select_from(tables.history)).scalar_one()
    engine.dispose()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "calls": report.run.calls,
        "adopted": report.run.adopted,
        "repaired": report.run.repaired,
        "history": history,
        "accounts a second": round(accounts / took),
        "CPU s per 1,000": round(cpu / accounts * 1_000, 3),
        "memory before MB": round(before.ru_maxrss / 1024, 1),
        "peak memory MB": round(after.ru_maxrss / 1024, 1),
    }


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """An empty database of each kind."""
    with tempfile.TemporaryDirectory() as folder, postgres_server() as server, server.database() as url:
        yield {"SQLite": f"sqlite:///{Path(folder) / 'mirror.db'}", "PostgreSQL": url}


def main() -> None:
    """Measure an import and an idle pass of each size on each database."""
    if sys.argv[1:2] == ["--pass"]:
        print(json.dumps(one_pass(sys.argv[2], int(sys.argv[3]))))  # noqa: T201
        return
    for accounts in [int(text) for text in sys.argv[1:]] or SIZES:
        with databases() as urls:
            for kind, url in urls.items():
                upgrade(Settings(database_url=url))
                for what in ("import", "idle"):
                    command = [sys.executable, "-m", "benchmarks.reconcile", "--pass", url, str(accounts)]
                    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
                    print(f"{accounts:>7} {kind:<10} {what:<6} {done.stdout.strip()}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
