"""One run of the reconciliation, with the resources that it opens and closes."""

from contextlib import ExitStack

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.catalogue import Catalogue
from cobalt_mirror.workers.clients import create_client, create_governor
from cobalt_mirror.workers.governor import Lane
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.reconcile import Options, Reconciliation, Report
from cobalt_mirror.workers.reconcile.calls import CallCounter
from cobalt_mirror.workers.reconcile.progress import ShowProgress
from cobalt_mirror.workers.redis_clients import create_governor_redis
from cobalt_mirror.workers.settings import Settings


def run_reconciliation(settings: Settings, options: Options, *, show_progress: ShowProgress) -> Report:
    """Reconcile once, in the governor's bulk lane.

    Raises:
        PlaceTaken: Another run is under way. Wait for its end.
    """
    with ExitStack() as resources:
        redis_client = resources.enter_context(create_governor_redis(settings))
        engine = create_engine(settings)
        resources.callback(engine.dispose)
        counter = CallCounter(create_governor(redis_client, settings, lane=Lane.BULK))
        client = resources.enter_context(create_client(settings, governor=counter))
        reconciliation = Reconciliation(
            attempts=Attempts(engine=engine, client=client, settings=settings, vault=settings.vault()),
            catalogue=Catalogue(engine=engine, client=client, settings=settings),
            calls=counter,
        )
        return reconciliation.run(options, show_progress=show_progress)
