"""Runs everything that a mirror needs on this machine: the sandbox, Redis, and what the Procfile lists."""

import os
import re
from contextlib import ExitStack, closing
from pathlib import Path

import typer

from cobalt_mirror.addresses import shown_address
from cobalt_mirror.cobalt.sandbox import SandboxServer
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.local.following import following
from cobalt_mirror.workers.local.keeper import kept_running
from cobalt_mirror.workers.local.procfile import find_procfile
from cobalt_mirror.workers.local.redis import EmbeddedRedis
from cobalt_mirror.workers.local.sandbox import keeping, load_state, make_sandbox, sandbox_environment, state_file
from cobalt_mirror.workers.local.supervisor import Supervisor
from cobalt_mirror.workers.ops.fresh_sandbox import describe_accounts_from_before
from cobalt_mirror.workers.ops.readiness import check_redis
from cobalt_mirror.workers.ops.subscription import subscribe
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.signals import exit_on_signal
from cobalt_mirror.workers.terminal.words import cell
from cobalt_mirror.workers.web.serving import address_of, listen


def run_everything(
    *, with_sandbox: bool, sandbox_port: int, catalogue: Path | None, procfile: Path | None, fresh: bool
) -> None:
    """Run everything on this machine until Ctrl-C.

    Args:
        with_sandbox: whether the sandbox runs in place of Cobalt.
        sandbox_port: its port; 0 for a free one.
        catalogue: the TOML file with its applications; None: its own.
        procfile: the Procfile with what runs; None: worker, relay and web.
        fresh: whether the sandbox begins empty.

    Raises:
        BadSetting, NotReady: A setting is wrong, or something cannot be started. The text says what to correct.
    """
    Settings.from_environment().endpoints()  # what every worker would end with, again and again, below "is running"
    with exit_on_signal(), ExitStack() as resources:
        begins_empty = with_sandbox and _serve_sandbox(resources, sandbox_port, catalogue=catalogue, fresh=fresh)
        settings = Settings.from_environment()
        if not with_sandbox and not settings.cobalt_api_key.get_secret_value():
            raise NotReady("COBALT_API_KEY is not set; set it to your key, or use `cobalt-mirror up --sandbox`")
        if settings.redis_url is None:
            os.environ["REDIS_URL"] = _start_redis(resources)
        else:
            check_redis(settings)
        web_url = _choose_port(settings)
        os.environ.setdefault("LOG_LEVEL", "warning")  # with a line for each attempt, nobody finds what is wrong
        processes = resources.enter_context(Supervisor(procfile or find_procfile(), environment=os.environ))
        processes.run_first()
        if with_sandbox:
            subscribe(Settings.from_environment(), f"{web_url}/webhooks/cobalt")
        _announce(Settings.from_environment(), web_url, shows_key=with_sandbox)
        if begins_empty and (warning := describe_accounts_from_before(settings)) is not None:
            typer.echo(f"warning: {warning}", err=True)
        if with_sandbox:
            engine = create_engine(settings, pool_size=1)
            resources.callback(engine.dispose)
            resources.enter_context(following(engine, say=lambda line: typer.echo(cell(line))))
        processes.start()
        try:
            processes.wait()
        except SystemExit:
            typer.echo("stopping; work in progress is finished first", err=True)


def _serve_sandbox(resources: ExitStack, port: int, *, catalogue: Path | None, fresh: bool) -> bool:
    """Serve a sandbox in Cobalt's place, and return whether it begins empty."""
    sandbox = make_sandbox(catalogue)
    keeper, has_data = load_state(sandbox, state_file(DatabaseSettings.from_environment()), fresh=fresh)
    try:
        url = resources.enter_context(SandboxServer(sandbox, port=port)).url
    except OSError as error:
        raise NotReady(f"the sandbox cannot listen on port {port} ({error.strerror}); try --sandbox-port 0") from error
    resources.enter_context(keeping(keeper))
    os.environ.update(sandbox_environment(url, os.environ))
    return not has_data


def _start_redis(resources: ExitStack) -> str:
    server = resources.enter_context(EmbeddedRedis())
    resources.enter_context(kept_running(server, say=typer.echo))
    return server.url


def _choose_port(settings: Settings) -> str:
    """Choose the port of web and return its URL, before anything starts that needs it.

    Everything is on this machine, so PORT does not have web listen at every address.
    """
    with closing(listen(settings, settings.web_host)) as listening:
        os.environ["WEB_PORT"] = str(listening.getsockname()[1])
        return re.sub(r"//(0\.0\.0\.0|\[::\]):", "//127.0.0.1:", address_of(listening))


def _announce(settings: Settings, web_url: str, *, shows_key: bool) -> None:
    typer.echo("the mirror is running; Ctrl-C stops it")
    typer.echo(f"  database  {settings.shown_url()}")
    typer.echo(f"  Redis     {shown_address(settings.require_redis())}")
    typer.echo(f"  Cobalt    {settings.cobalt_base_url}")
    typer.echo(f"  web       {web_url}")
    if shows_key:
        typer.echo(f"  sandbox   {state_file(settings)} keeps its data; --fresh begins empty")
    if shows_key:  # the sandbox's, which is no secret
        variables = {"COBALT_API_KEY": settings.require_key(), "COBALT_BASE_URL": settings.cobalt_base_url}
        if "@" not in settings.require_redis():  # with a password it is one that the user has set
            variables["REDIS_URL"] = settings.require_redis()
        assignments = " ".join(f"{name}={value}" for name, value in variables.items())
        typer.echo(f"  for reconcile or an app of yours, in another shell: export {assignments}")
    typer.echo(
        "  in another shell: cobalt-mirror publish user_signed_up acme --name 'Acme Ltd'; cobalt-mirror show acme"
    )
