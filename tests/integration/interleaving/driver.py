"""The driver of an example: a host, a relay and two workers, with a broker that loses and duplicates messages."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

import httpx
from dramatiq import Broker, Message
from dramatiq.errors import ConnectionClosed
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy import event as engine_event

from cobalt_mirror.db.state import record_catalogue_due
from cobalt_mirror.workers.actors import Actors
from cobalt_mirror.workers.queues import declare_queues
from cobalt_mirror.workers.relay import Relay
from tests.integration.interleaving.recorder import LeaseRecorder
from tests.integration.interleaving.scheduler import Scheduler, Script, Violation
from tests.integration.journey.wires import Wire, workers_over
from tests.world import World

#: A call takes effect this long before `delayed_write_seconds` are over, which is when a subject is read again.
_MARGIN_SECONDS = 2.0
#: The host, two workers and the relay.
ACTORS = 4


class Delivery(StrEnum):
    """What happens to a message."""

    ARRIVES = "arrives"
    LOST = "lost"
    TWICE = "twice"
    #: The broker cannot be reached, and the relay gets an error.
    REFUSED = "refused"


deliveries = st.lists(st.sampled_from([Delivery.ARRIVES, *Delivery]), max_size=6)


class MemoryBroker(Broker):
    """A broker in memory that delivers, loses, duplicates or refuses messages."""

    def __init__(self, scheduler: Scheduler, deliveries: Iterable[Delivery]) -> None:
        super().__init__(middleware=[])
        self._scheduler, self._deliveries = scheduler, deque(deliveries)
        self.messages: deque[bytes] = deque()
        #: Number of messages that were to be sent.
        self.sent = 0

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue; all queues are one."""
        self.queues[queue_name] = self.messages

    def enqueue(self, message: Message[None], *, delay: int | None = None) -> Message[None]:
        """Accept a message, or lose, duplicate or refuse it."""
        assert message.queue_name in self.queues
        assert delay is None, "nothing may wait in a worker's memory"
        self.sent += 1
        self._scheduler.step()
        match self._deliveries.popleft() if self._deliveries else Delivery.ARRIVES:
            case Delivery.REFUSED:
                raise ConnectionClosed("the broker is down")  # type: ignore[no-untyped-call]
            case Delivery.TWICE:
                self.messages += [message.encode()] * 2
            case Delivery.ARRIVES:
                self.messages.append(message.encode())
            case Delivery.LOST:
                pass
        self._scheduler.step()
        return message


class RelayPause(threading.Event):
    """The event for which a relay waits between two polls; it is never set."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler

    def wait(self, timeout: float | None = None) -> bool:
        """Let other actors run."""
        assert timeout is not None
        self._scheduler.rest()
        return False


class CallHooks:
    """Hooks before and after a worker's calls to Cobalt: other actors may run while a call is under way."""

    def __init__(self, scheduler: Scheduler, recorder: LeaseRecorder, *, timeout_seconds: float) -> None:
        self._scheduler, self._recorder = scheduler, recorder
        self._timeout = timedelta(seconds=timeout_seconds)
        self._began = scheduler.clock()

    def before(self, request: httpx.Request) -> None:
        """Check that the worker holds a lease when the call begins, and let others run before it takes effect."""
        actor, self._began = self._scheduler.actor(), self._scheduler.clock()
        held = self._recorder.held_by(actor)
        if held is None or held.until <= self._began:
            raise Violation(f"{request.method} {request.url.path} begins without a lease")
        actor.calling_since = self._began
        self._scheduler.step()
        actor.calling_since = None
        if request.method != "GET" and self._recorder.held_by(actor) is None:
            self._recorder.late_writes += 1

    def after(self, request: httpx.Request) -> None:
        """Let others run before the answer arrives, and raise a timeout if that took too long."""
        self._scheduler.step()
        if self._scheduler.clock() - self._began > self._timeout:
            raise httpx.ReadTimeout("The answer came too late.", request=request)


class WorkerBroker(Broker):
    """A broker in which a worker's actors are declared."""

    def __init__(self) -> None:
        super().__init__(middleware=[])

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue."""
        self.queues[queue_name] = None


class Driver:
    """Runs the actors on a world, and records what they do."""

    def __init__(self, world: World, *, begin: datetime, deliveries: Iterable[Delivery]) -> None:
        self.world = world
        longest_call = world.settings.delayed_write_seconds - _MARGIN_SECONDS
        self.scheduler = Scheduler(world.clock, begin=begin, longest_call=longest_call)
        self.recorder = LeaseRecorder(self.scheduler)
        self.broker = MemoryBroker(self.scheduler, deliveries)
        declare_queues(self.broker)

    def run(
        self, publishing: Sequence[Callable[[], None]], script: Script, *, at_cobalt: Sequence[Callable[[], None]] = ()
    ) -> None:
        """Follow a script, then continue until no work is left.

        Args:
            publishing: The host's actions in order; after a crash it repeats the last one.
            script: The turns of the actors.
            at_cobalt: What happens at Cobalt by itself, in order: one more actor, if it is not empty.
        """
        self._add_actors(publishing)
        if at_cobalt:
            happening = deque(at_cobalt)
            self.scheduler.add("Cobalt", lambda: self._act(happening))
        self.scheduler.follow(script)
        self._until_quiet()

    def _add_actors(self, publishing: Sequence[Callable[[], None]]) -> None:
        waiting = deque(publishing)
        self.scheduler.add("the host", lambda: self._act(waiting))
        self.recorder.workers = [self.scheduler.add(f"worker {number}", self._worker) for number in (1, 2)]
        self.scheduler.add("the relay", self._relay)

    def _act(self, waiting: deque[Callable[[], None]]) -> None:
        while waiting:
            waiting[0]()
            self.scheduler.step()
            waiting.popleft()

    def _relay(self) -> None:
        world = self.world
        relay = Relay(engine=world.engine, broker=self.broker, settings=world.settings, clock=world.clock)
        relay.rest_seconds = None  # real time does not pass here
        relay.stop = RelayPause(self.scheduler)
        relay.run()

    def _worker(self) -> None:
        """Do what a thread of a dramatiq worker does. The message in hand is lost in a crash."""
        hooks = CallHooks(self.scheduler, self.recorder, timeout_seconds=self.world.settings.cobalt_timeout_seconds)
        attempts = workers_over(self.world, Wire(self.world, before=hooks.before, after=hooks.after))
        attempts = replace(attempts, monotonic=self._monotonic)
        worker_broker = WorkerBroker()
        Actors(attempts, self.world.catalogue).register(worker_broker)
        while True:
            if not self.broker.messages:
                self.scheduler.rest(until=lambda: bool(self.broker.messages))
                continue
            message: Message[None] = Message.decode(self.broker.messages.popleft())
            self.scheduler.step()
            worker_broker.get_actor(message.actor_name).fn(*message.args)

    def _monotonic(self) -> float:
        """Return the worker's own clock, which it reads before every call, perhaps long after its last COMMIT."""
        if not self.scheduler.actor().is_in_transaction:
            self.scheduler.step()
        return self.world.clock().timestamp()

    def _until_quiet(self) -> None:
        """Run all actors undisturbed, and pass time to the next due work, until no work is left."""
        for _ in range(500):
            sent = self.broker.sent
            self.scheduler.run_all_until_idle()
            if self.broker.sent > sent or self.broker.messages:
                continue
            next_due = self.world.next_due()
            if next_due is None:
                return
            self.scheduler.pass_time(self._seconds_until_next(next_due) + 0.001)
        raise AssertionError(f"work never ends: {self.world.rows('events', status='pending')}")

    def _seconds_until_next(self, next_due: datetime) -> float:
        """Return the seconds until work is due, or a claim on due work ends; 0 if the relay has only to poll."""
        now, work = self.world.clock(), self.world.rows("work")
        moments = [next_due, *(row[name] for row in work for name in ("sent_until", "leased_until"))]
        waits = [(moment - now).total_seconds() for moment in moments if moment is not None and moment > now]
        return min(waits, default=0.0)


@contextmanager
def open_driver(world: World, *, begin: datetime, deliveries: Iterable[Delivery]) -> Iterator[Driver]:
    """Open a driver whose actors stop before every transaction, and may crash there and before its commit."""
    driver = Driver(world, begin=begin, deliveries=deliveries)

    def begins(*_details: object) -> None:
        driver.scheduler.step()
        if (actor := driver.scheduler.current()) is not None:
            actor.is_in_transaction = True

    def is_over(*_details: object) -> None:
        if (actor := driver.scheduler.current()) is not None:
            actor.is_in_transaction = False

    def commits(connection: Connection) -> None:
        if not connection.get_execution_options().get("reading"):
            driver.scheduler.step(may_pause=False)
            driver.recorder.commits(connection)

    with world.engine.begin() as connection:
        record_catalogue_due(connection, begin + timedelta(days=1000))
    engine_event.listen(world.engine, "checkout", begins)  # before the BEGIN: no actor stops inside a transaction
    engine_event.listen(world.engine, "checkin", is_over)
    engine_event.listen(world.engine, "commit", commits)
    try:
        yield driver
    finally:
        driver.scheduler.end()
        engine_event.remove(world.engine, "checkout", begins)
        engine_event.remove(world.engine, "checkin", is_over)
        engine_event.remove(world.engine, "commit", commits)
