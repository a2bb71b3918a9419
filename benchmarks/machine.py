"""A description of the machine, so that figures can be compared. It names no host and no folder."""

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
    """Return cores, memory, versions and the present load of the machine."""
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
    """Return the load average of the last minute."""
    return os.getloadavg()[0]


def _processor() -> str:
    with suppress(OSError):
        match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if match:
            return match[1]
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
    output = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout  # noqa: S603
    match = re.search(r"v=(\S+)", output)
    return match[1] if match else output.strip()
