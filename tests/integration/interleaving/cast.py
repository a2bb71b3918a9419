"""Who acts: a host that publishes, a relay, two workers, and the post between them that loses and doubles messages."""

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
from cobalt_mirror.workers.actors import Actors, declare_queues
from cobalt_mirror.workers.relay import Relay
from tests.integration.interleaving.scheduler import Scheduler, Script, Violation
from tests.integration.interleaving.watch import LeaseWatch
from tests.integration.journey.wires import Wire, workers_over
from tests.world import World

#: A call that was begun lands before anybody's second look, which is what `delayed_write_seconds` promises.
_MARGIN_SECONDS = 2.0
#: The host, two workers and the relay.
ACTORS = 4


class Fate(StrEnum):
    """What becomes of a message."""

    ARRIVES = "arrives"
    LOST = "lost"
    TWICE = "twice"
    #: Nobody can be reached: the relay is told so.
    REFUSED = "refused"


fates = st.lists(st.sampled_from([Fate.ARRIVES, *Fate]), max_size=6)


class Post(Broker):
    """Carries messages in memory, as far as their fates let it."""

    def __init__(self, scheduler: Scheduler, fates: Iterable[Fate]) -> None:
        super().__init__(middleware=[])
        self._scheduler, self._fates = scheduler, deque(fates)
        self.messages: deque[bytes] = deque()
        #: How many messages somebody wanted to send.
        self.sent = 0

    def declare_queue(self, queue_name: str) -> None:
        """Know one more queue; all are one here."""
        self.queues[queue_name] = self.messages

    def enqueue(self, message: Message[None], *, delay: int | None = None) -> Message[None]:
        """Take a message, or seem to."""
        assert message.queue_name in self.queues
        assert delay is None, "nothing may wait in a worker's memory"
        self.sent += 1
        self._scheduler.step()
        match self._fates.popleft() if self._fates else Fate.ARRIVES:
            case Fate.REFUSED:
                raise ConnectionClosed("the post is away")  # type: ignore[no-untyped-call]
            case Fate.TWICE:
                self.messages += [message.encode()] * 2
            case Fate.ARRIVES:
                self.messages.append(message.encode())
            case Fate.LOST:
                pass
        self._scheduler.step()
        return message


class Bell(threading.Event):
    """What a relay waits for between two looks; it is never rung."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler

    def wait(self, timeout: float | None = None) -> bool:
        """Let others go on."""
        assert timeout is not None
        self._scheduler.rest()
        return False


class Line:
    """One worker's line to Cobalt: somebody else may go on while a call is under way."""

    def __init__(self, scheduler: Scheduler, watch: LeaseWatch, *, timeout_seconds: float) -> None:
        self._scheduler, self._watch = scheduler, watch
        self._timeout = timedelta(seconds=timeout_seconds)
        self._began = scheduler.clock()

    def before(self, request: httpx.Request) -> None:
        """A call begins, is on its way, and lands: only who surely holds an account may begin one."""
        actor, self._began = self._scheduler.actor(), self._scheduler.clock()
        held = self._watch.held_by(actor)
        if held is None or held.until <= self._began:
            raise Violation(f"{request.method} {request.url.path} begins without a lease")
        actor.calling_since = self._began
        self._scheduler.step()
        actor.calling_since = None
        if request.method != "GET" and self._watch.held_by(actor) is None:
            self._watch.late_writes += 1

    def after(self, request: httpx.Request) -> None:
        """The answer is on its way back, and comes too late if that took longer than the client waits."""
        self._scheduler.step()
        if self._scheduler.clock() - self._began > self._timeout:
            raise httpx.ReadTimeout("The answer came too late.", request=request)


class Desk(Broker):
    """Where a worker's actors are declared."""

    def __init__(self) -> None:
        super().__init__(middleware=[])

    def declare_queue(self, queue_name: str) -> None:
        """Know one more queue."""
        self.queues[queue_name] = None


class Play:
    """One performance on a world: its actors, what they share, and what is seen of them."""

    def __init__(self, world: World, *, begin: datetime, fates: Iterable[Fate]) -> None:
        self.world = world
        longest_call = world.settings.delayed_write_seconds - _MARGIN_SECONDS
        self.scheduler = Scheduler(world.clock, begin=begin, longest_call=longest_call)
        self.watch = LeaseWatch(self.scheduler)
        self.post = Post(self.scheduler, fates)
        declare_queues(self.post)

    def perform(self, publishing: Sequence[Callable[[], None]], script: Script) -> None:
        """Go by a script, and then on until nothing is left to do.

        Args:
            publishing: what the host does, in this order; if it dies, it does the last one again.
            script: who takes turns, and how.
        """
        self._cast(publishing)
        self.scheduler.play(script)
        self._until_quiet()

    def _cast(self, publishing: Sequence[Callable[[], None]]) -> None:
        waiting = deque(publishing)

        def host() -> None:
            while waiting:
                waiting[0]()
                self.scheduler.step()
                waiting.popleft()

        self.scheduler.add("the host", host)
        self.watch.workers = [self.scheduler.add(f"worker {number}", self._worker) for number in (1, 2)]
        self.scheduler.add("the relay", self._relay)

    def _relay(self) -> None:
        world = self.world
        relay = Relay(engine=world.engine, broker=self.post, settings=world.settings, clock=world.clock)
        relay.stop = Bell(self.scheduler)
        relay.run()

    def _worker(self) -> None:
        """What a thread of a dramatiq worker does. What it took is nowhere when it dies."""
        line = Line(self.scheduler, self.watch, timeout_seconds=self.world.settings.cobalt_timeout_seconds)
        attempts = workers_over(self.world, Wire(self.world, before=line.before, after=line.after))
        attempts = replace(attempts, monotonic=self._monotonic)
        desk = Desk()
        Actors(attempts, self.world.catalogue).register(desk)
        while True:
            if not self.post.messages:
                self.scheduler.rest(until=lambda: bool(self.post.messages))
                continue
            message: Message[None] = Message.decode(self.post.messages.popleft())
            self.scheduler.step()
            desk.get_actor(message.actor_name).fn(*message.args)

    def _monotonic(self) -> float:
        """A worker looks at its own clock, which it does before every call: long after its last COMMIT, perhaps."""
        if not self.scheduler.actor().is_in_transaction:
            self.scheduler.step()
        return self.world.clock().timestamp()

    def _until_quiet(self) -> None:
        """Let everybody go on undisturbed, and let time pass to whatever comes next, until nothing is left to do."""
        for _ in range(500):
            sent = self.post.sent
            self.scheduler.let_all_rest()
            if self.post.sent > sent or self.post.messages:
                continue
            next_due = self.world.next_due()
            if next_due is None:
                return
            self.scheduler.pass_time(self._seconds_until_next(next_due) + 0.001)
        raise AssertionError(f"work never ends: {self.world.rows('events', status='pending')}")

    def _seconds_until_next(self, next_due: datetime) -> float:
        """How long until something is due, or somebody's claim on what is due ends. 0: the relay has yet to look."""
        now, work = self.world.clock(), self.world.rows("work")
        moments = [next_due, *(row[name] for row in work for name in ("sent_until", "leased_until"))]
        waits = [(moment - now).total_seconds() for moment in moments if moment is not None and moment > now]
        return min(waits, default=0.0)


@contextmanager
def playing(world: World, *, begin: datetime, fates: Iterable[Fate]) -> Iterator[Play]:
    """A performance whose actors stop at the beginning of every transaction, and may die there and at its end."""
    play = Play(world, begin=begin, fates=fates)

    def begins(*_details: object) -> None:
        play.scheduler.step()
        if (actor := play.scheduler.current()) is not None:
            actor.is_in_transaction = True

    def is_over(*_details: object) -> None:
        if (actor := play.scheduler.current()) is not None:
            actor.is_in_transaction = False

    def commits(connection: Connection) -> None:
        if not connection.get_execution_options().get("reading"):
            play.scheduler.step(may_pause=False)
            play.watch.commits(connection)

    with world.engine.begin() as connection:
        record_catalogue_due(connection, begin + timedelta(days=1000))
    engine_event.listen(world.engine, "checkout", begins)  # before the BEGIN: in a transaction nobody stops
    engine_event.listen(world.engine, "checkin", is_over)
    engine_event.listen(world.engine, "commit", commits)
    try:
        yield play
    finally:
        play.scheduler.end()
        engine_event.remove(world.engine, "checkout", begins)
        engine_event.remove(world.engine, "checkin", is_over)
        engine_event.remove(world.engine, "commit", commits)
