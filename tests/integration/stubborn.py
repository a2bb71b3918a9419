"""What dramatiq imports in a worker process whose threads a test wants dead or stuck: `dramatiq stubborn:start`."""

import ctypes
import os
import threading
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from cobalt_mirror.workers.watchdog import WorkerWatchdog
from tests.waiting import wait_until

QUEUE = "stubborn"


def _others() -> list[threading.Thread]:
    workers = [thread for thread in threading.enumerate() if type(thread).__name__ == "WorkerThread"]
    return [thread for thread in workers if thread.ident != threading.get_ident()]


def kill_a_thread() -> None:
    """Let the thread of another worker die where dramatiq catches nothing."""
    wait_until(_others)  # a message may come before all threads were started
    (other,) = _others()
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(other.ident or 0), ctypes.py_object(SystemExit))


def hang() -> None:
    """Take for ever."""
    time.sleep(10_000)


def start() -> None:
    """Build the broker with the watchdog and both actors."""
    watchdog = WorkerWatchdog(longest_seconds=1.0, interval_seconds=0.1)
    broker = RedisBroker(url=os.environ["REDIS_URL"], middleware=[watchdog])  # type: ignore[no-untyped-call]
    dramatiq.set_broker(broker)
    for function in (kill_a_thread, hang):
        dramatiq.actor(broker=broker, queue_name=QUEUE, actor_name=function.__name__)(function)
