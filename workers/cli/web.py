"""`cobalt-mirror web`: serve HTTP for Cobalt's notifications, for events from hosts, and for health checks."""

import typer

from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.settings import Settings


def web() -> None:
    """Serve HTTP until SIGTERM.

    POST /webhooks/cobalt takes Cobalt's notifications. With EVENTS_TOKEN as bearer token, apps in any language publish
    events, read the mirror, follow the change feed and get session tokens: GET /docs describes it. GET /reconnect/TOKEN
    is where reconnect links lead. GET /healthz and GET /readyz are for load balancers. Listens at WEB_HOST and
    WEB_PORT; without WEB_PORT at PORT, which many platforms set, and then at every address if WEB_HOST is not set.

    \b
    Example:
      WEB_HOST=0.0.0.0 WEB_PORT=8475 cobalt-mirror web
    """
    from cobalt_mirror.workers.web.serving import serve_web  # noqa: PLC0415 - `--help` does not wait for the server

    Settings.from_environment().require_key()  # without a key, no notification could be verified
    serve_web(ready_for_database(), say=typer.echo)
