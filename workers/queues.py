"""The queues of the workers: one for each event type, one for checks, one for the catalogue."""

from dramatiq import Broker

from cobalt_mirror.events import EventType

#: The queue for accounts with due checks but no due events.
CHECKS = "checks"
#: The queue for refreshes of the catalogue.
CATALOGUE = "catalogue"


def declare_queues(broker: Broker) -> None:
    """Declare the queues in a process that only sends."""
    for name in (*EventType, CHECKS, CATALOGUE):
        broker.declare_queue(str(name))
