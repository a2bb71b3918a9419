"""Runs a relay as a process of its own, until a signal stops it."""

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.workers import logs
from cobalt_mirror.workers.broker import create_broker
from cobalt_mirror.workers.heartbeat import Heartbeat, Queues
from cobalt_mirror.workers.ops.readiness import ready_for_relay
from cobalt_mirror.workers.queues import declare_queues
from cobalt_mirror.workers.redis_clients import create_redis
from cobalt_mirror.workers.relay import Relay
from cobalt_mirror.workers.telemetry.serving import observe_relay
from cobalt_mirror.workers.terminal.signals import stop_on_signal
from cobalt_mirror.workers.watchdog import Watchdog


def run_relay() -> None:
    """Send messages until SIGTERM or Ctrl-C, with the settings of the environment.

    Raises:
        BadSetting, NotReady: A setting is wrong, or database or Redis do not answer. The text says what to correct.
    """
    settings = ready_for_relay()
    logs.configure(settings.log_level, settings.log_format)
    observers = observe_relay(settings)
    engine = create_engine(settings)
    with create_redis(settings) as client:
        broker = create_broker(client, settings)
        declare_queues(broker)
        sender = Relay(engine=engine, broker=broker, settings=settings, observers=observers)
        Watchdog(sender.find_fault).start()
        heartbeat = Heartbeat(ProcessKind.RELAY, engine, queues=Queues(client, settings.redis_namespace))
        heartbeat.start()
        with stop_on_signal(sender.stop.set):
            sender.run()
        heartbeat.stop()
    engine.dispose()
