"""What a real worker of two processes and a real relay serve for Prometheus, and what they leave behind: nothing."""

import json
import socket
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from cobalt_mirror.cobalt.sandbox import Answer, Fault, Sandbox, SandboxServer
from cobalt_mirror.workers.release import release
from tests.commands import Shell, read_until
from tests.waiting import wait_until

CUSTOMERS = 8
NAMES = [f"customer-{number}" for number in range(CUSTOMERS)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def read(port: int) -> tuple[str, dict[str, float]]:
    """What is served, and the sum of the samples of each name."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return text, sums


def publish_sign_ups(mirror: Shell) -> None:
    envelope = {"specversion": "1.0", "source": "host", "type": "user_signed_up"}
    events = [{**envelope, "id": name, "data": {"linked_account_id": name}} for name in NAMES]
    assert mirror.run("publish", "--ndjson", "-", standard_input="\n".join(map(json.dumps, events))).status == 0


def test_the_numbers_of_both_processes_add_up_and_their_files_go_with_them(
    mirror: Shell, redis_url: str, tmp_path: Path
) -> None:
    ports = {"WORKER_METRICS_PORT": str(free_port()), "RELAY_METRICS_PORT": str(free_port())}
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    publish_sign_ups(mirror)
    with SandboxServer(Sandbox(rate_limited=False)) as cobalt:
        # Each process has one thread, so calls that take a while are made by both.
        cobalt.sandbox.add_faults(Fault(route="upsert_account", answer=Answer.LATENCY, min_ms=300))
        settings: dict[str, Any] = {
            **ports,
            "REDIS_URL": redis_url,
            "COBALT_API_KEY": "tk_sandbox",
            "COBALT_BASE_URL": cobalt.url,
            "TMPDIR": str(temporary),
            "WORKER_PROCESSES": "2",
            "WORKER_THREADS": "1",
        }
        worker_port, relay_port = map(int, ports.values())
        with mirror.start("worker", **settings) as worker:
            for _ in range(2):
                read_until(worker, "ready for action")
            with mirror.start("relay", **settings) as relay:
                wait_until(
                    lambda: read(worker_port)[1].get("cobalt_mirror_publish_to_mirror_seconds_count") == CUSTOMERS
                )
                text, sums = read(worker_port)
                (folder,) = temporary.glob("cobalt-mirror-metrics-*")
                counted_by = {file.stem.rpartition("_")[2] for file in folder.glob("counter_*.db")}
                sent, of_relay = read(relay_port)
                taken = mirror.run("worker", **settings)
                relay.terminate()
                relay.wait(timeout=30)
            worker.terminate()
            worker.communicate(timeout=60)

    assert len(counted_by) == 2
    assert sums["cobalt_mirror_attempts_total"] == CUSTOMERS
    assert f'cobalt_mirror_attempts_total{{outcome="done",type="user_signed_up"}} {CUSTOMERS}.0' in text
    upserts = f'{{method="PUT",path="/api/v2/public/linked-account",status="200"}} {CUSTOMERS}.0'
    assert f"cobalt_mirror_cobalt_calls_total{upserts}" in text
    assert sums["cobalt_mirror_governor_wait_seconds_count"] == sums["cobalt_mirror_cobalt_calls_total"]
    assert of_relay["cobalt_mirror_messages_sent_total"] >= CUSTOMERS
    for served in (text, sent):
        assert f'cobalt_mirror_build_info{{version="{release()}"}} 1.0' in served
        assert not any(name in served for name in (*NAMES, "tk_sandbox", "pid="))
    assert taken.status == 1
    assert "correct METRICS_HOST or WORKER_METRICS_PORT" in taken.errors
    assert list(temporary.glob("cobalt-mirror-metrics-*")) == []
