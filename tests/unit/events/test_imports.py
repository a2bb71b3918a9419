"""A host that publishes loads what it takes to write a row, and nothing that talks to Redis or to Cobalt."""

import subprocess
import sys

LIST = "import sys, events, db; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def test_importing_events_loads_no_queue_and_no_client() -> None:
    loaded = subprocess.run([sys.executable, "-c", LIST], capture_output=True, text=True, check=True).stdout.split()

    assert "sqlalchemy" in loaded
    assert not {"redis", "dramatiq", "httpx", "alembic", "cobalt", "workers"}.intersection(loaded)
