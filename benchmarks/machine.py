"""What the machine and its parts are, so that figures can be compared. It names no host and no folder."""

import os
import platform
import re
import sqlite3
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg

from cobalt_mirror.workers.local.redis import find_redis_server
from tests.services import postgres_server


def describe_machine() -> dict[str, Any]:
    """Cores, memory and versions, and how busy the machine is with whatever else runs on it."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory GB": round(psutil.virtual_memory().total / 2**30, 1),
        "OS": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": _postgresql_version(),
        "SQLite": sqlite3.sqlite_version,
        "Redis": _redis_version(),
        "load before": round(load(), 2),
    }


def load() -> float:
    """How many processes wanted a core during the last minute, on average."""
    return os.getloadavg()[0]


def _processor() -> str:
    with suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if found:
            return found[1]
    return platform.machine()


def _postgresql_version() -> str:
    with postgres_server() as server:
        address = server.address.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address) as connection:
            return connection.info.parameter_status("server_version") or ""


def _redis_version() -> str:
    binary = find_redis_server()
    if binary is None:
        return ""
    said = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout  # noqa: S603
    found = re.search(r"v=(\S+)", said)
    return found[1] if found else said.strip()
