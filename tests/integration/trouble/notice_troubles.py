"""Troubles with those who are told of changes. Each is made for real, and lasts as long as its context."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from cobalt_mirror.db.feed import number_changes
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.workers.endpoints import DEFAULT, make_endpoint
from cobalt_mirror.workers.notices.following import Follower
from cobalt_mirror.workers.notices.receivers import EndpointReceiver
from cobalt_mirror.workers.notices.sending import Sender, create_pool
from tests.integration.notices.receiver import SECRET, Server
from tests.integration.trouble.installation import ACME, Installation


@contextmanager
def endpoint_gone(installation: Installation) -> Iterator[None]:
    """The host's server says that it wants no notices any more."""
    world = installation.world
    with Server() as server:
        server.answer(410)
        pool = create_pool(ssl.create_default_context(), allows_private=True)
        receiver = EndpointReceiver(Sender(endpoint=make_endpoint(DEFAULT, server.url, SECRET, "*"), pool=pool))
        follower = Follower(
            engine=world.engine, receiver=receiver, settle=timedelta(), reconnect_url=lambda _account, _slug: None
        )
        number_changes(world.engine)
        follower.step()  # it begins at the end of the feed
        installation.publish_and_work(UserSignedUp(ACME, name="Acme Inc", udf={}))
        number_changes(world.engine)
        while follower.step():
            pass
        assert len(server.received) == 1
    yield
