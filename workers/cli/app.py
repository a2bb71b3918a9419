"""The commands and their order in `cobalt-mirror --help`."""

import typer

from cobalt_mirror.workers.cli.demo import demo
from cobalt_mirror.workers.cli.publish import publish
from cobalt_mirror.workers.cli.reconcile import reconcile
from cobalt_mirror.workers.cli.sandbox import sandbox
from cobalt_mirror.workers.cli.services import migrate, relay, worker
from cobalt_mirror.workers.cli.show import show
from cobalt_mirror.workers.cli.status import status
from cobalt_mirror.workers.cli.up import up
from cobalt_mirror.workers.cli.web import web
from cobalt_mirror.workers.cli.webhook import webhook

_HELP = """Keep a mirror of every Cobalt connection in step with what happens in your application.

Settings come from the environment: DATABASE_URL, REDIS_URL, COBALT_API_KEY, COBALT_BASE_URL and more.

\b
Exit codes:
  0    done; services (up, worker, relay, web, sandbox) also when a signal stopped them
  1    failed, such as a wrong setting, an unreachable database or Redis, an unknown customer
  2    wrong usage or bad input; reconcile: differences remain
  3    status: you must act, the first line says why; reconcile: another run is under way
  130  interrupted by Ctrl-C
"""

app = typer.Typer(
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for command in (up, demo, publish, show, status, reconcile, migrate, worker, relay, web):
    app.command()(command)
app.add_typer(sandbox, name="sandbox", short_help="Serve a stand-in for Cobalt until Ctrl-C.")
app.add_typer(webhook, name="webhook")
