"""`cobalt-mirror up`: run everything that a mirror needs on this machine, until Ctrl-C."""

import os
import re
from contextlib import ExitStack, closing
from typing import Annotated

import typer

from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxServer
from cobalt_mirror.db.addresses import shown_address
from cobalt_mirror.workers.cli.sandbox import DEFAULT_PORT
from cobalt_mirror.workers.cli.web import address_of, listen
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.local.keeper import kept_running
from cobalt_mirror.workers.local.procfile import find_procfile
from cobalt_mirror.workers.local.redis import EmbeddedRedis
from cobalt_mirror.workers.local.sandbox import sandbox_environment
from cobalt_mirror.workers.local.supervisor import Supervisor
from cobalt_mirror.workers.ops.readiness import check_redis
from cobalt_mirror.workers.ops.subscription import subscribe
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.signals import exit_on_signal


def up(
    with_sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Run the sandbox in place of Cobalt; it starts empty each time.")
    ] = False,
    sandbox_port: Annotated[int, typer.Option(help="Port of the sandbox; 0 for a free one.", min=0, max=65_535)] = (
        DEFAULT_PORT
    ),
) -> None:
    """Run everything on this machine until Ctrl-C.

    Migrates, then runs the Procfile's worker, relay and web; run reconcile yourself. Without DATABASE_URL the mirror is
    a SQLite file, var/mirror.db; without REDIS_URL a Redis is started, with its data in var/redis; both are below the
    working directory. The sandbox sends its notifications to web; for the real Cobalt see `cobalt-mirror webhook
    --help`.

    \b
    Example:
      cobalt-mirror up --sandbox
    """
    with exit_on_signal(), ExitStack() as resources:
        if with_sandbox:
            os.environ.update(sandbox_environment(_serve_sandbox(resources, sandbox_port), os.environ))
        settings = Settings.from_environment()
        if not with_sandbox and not settings.cobalt_api_key.get_secret_value():
            raise NotReady("COBALT_API_KEY is not set; set it to your key, or use `cobalt-mirror up --sandbox`")
        if settings.redis_url is None:
            os.environ["REDIS_URL"] = _start_redis(resources)
        else:
            check_redis(settings)
        web_url = _choose_port(settings)
        processes = resources.enter_context(Supervisor(find_procfile(), environment=os.environ))
        processes.run_first()
        if with_sandbox:  # it starts empty, so it has no webhook yet
            subscribe(Settings.from_environment(), f"{web_url}/webhooks/cobalt")
        _announce(Settings.from_environment(), web_url, shows_key=with_sandbox)
        processes.start()
        try:
            processes.wait()
        except SystemExit:
            typer.echo("stopping; work in progress is finished first", err=True)


def _serve_sandbox(resources: ExitStack, port: int) -> str:
    try:
        return resources.enter_context(SandboxServer(Sandbox(), port=port)).url
    except OSError as error:
        raise NotReady(f"the sandbox cannot listen on port {port} ({error.strerror}); try --sandbox-port 0") from error


def _start_redis(resources: ExitStack) -> str:
    server = resources.enter_context(EmbeddedRedis())
    resources.enter_context(kept_running(server, say=typer.echo))
    return server.url


def _choose_port(settings: Settings) -> str:
    """Choose the port of web and return its URL, before anything starts that needs it."""
    with closing(listen(settings)) as listening:
        os.environ["WEB_PORT"] = str(listening.getsockname()[1])
        return re.sub(r"//(0\.0\.0\.0|\[::\]):", "//127.0.0.1:", address_of(listening))


def _announce(settings: Settings, web_url: str, *, shows_key: bool) -> None:
    typer.echo("the mirror is running; Ctrl-C stops it")
    typer.echo(f"  database  {settings.shown_url()}")
    typer.echo(f"  Redis     {shown_address(settings.require_redis())}")
    typer.echo(f"  Cobalt    {settings.cobalt_base_url}")
    typer.echo(f"  web       {web_url}")
    if shows_key:  # the sandbox's, which is no secret
        variables = {"COBALT_API_KEY": settings.require_key(), "COBALT_BASE_URL": settings.cobalt_base_url}
        if "@" not in settings.require_redis():  # with a password it is one that the user has set
            variables["REDIS_URL"] = settings.require_redis()
        assignments = " ".join(f"{name}={value}" for name, value in variables.items())
        typer.echo(f"  for reconcile in another shell: export {assignments}")
    typer.echo(
        "  in another shell: cobalt-mirror publish user_signed_up acme --name 'Acme Ltd'; cobalt-mirror show acme"
    )
