"""The commands and their order in `cobalt-mirror --help`. A command's module is imported when that command runs."""

import gc
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

_HELP = """Keep a mirror of every Cobalt connection in step with what happens in your application.

Settings come from the environment: DATABASE_URL, REDIS_URL, COBALT_API_KEY, COBALT_BASE_URL and more.

\b
Exit codes:
  0    done; services (up, worker, relay, web, sandbox) also when a signal stopped them
  1    failed, such as a wrong setting, an unreachable database or Redis, an unknown customer
  2    wrong usage or bad input; reconcile: differences remain
  3    status: you must act, the first line says why; reconcile: another run is under way;
       secrets: rows are left that the keys do not open, or that were in use
  130  interrupted by Ctrl-C
"""

#: Every command, in a module of its name, and the first line of its help, so that the list of all imports none of them.
COMMANDS = {
    "up": "Run everything on this machine until Ctrl-C.",
    "demo": "Run simulated customers, then compare the mirror with Cobalt.",
    "publish": "Publish one event, or many with --ndjson.",
    "show": "Show everything stored about one customer.",
    "explain": "Say how one customer stands, and what happened to them.",
    "link": "Print a link with which one customer connects again.",
    "changes": "Print the change feed: every real change, once and in order.",
    "status": "Show what you have to do, and how everything fares.",
    "notices": "List the receivers of notices, enable one again, or forget one.",
    "dead": "List, show, replay or discard dead events.",
    "events": "List, show or hurry single events.",
    "pause": "Stop a part of the work, or all of it, until `resume`.",
    "resume": "Let go on what was paused.",
    "doctor": "Examine settings, database, Redis, Cobalt, webhook and processes.",
    "reconcile": "Compare the mirror with Cobalt and repair it. Made for cron.",
    "prune": "Delete what is old and not needed any more. Made for cron.",
    "secrets": "Say what each key in MIRROR_SECRET_KEYS seals, or rotate them.",
    "sandbox": "Serve a stand-in for Cobalt until Ctrl-C, or make a catalogue for it.",
    "migrate": "Create or update the tables of the mirror. Run it before every start.",
    "worker": "Process events until SIGTERM.",
    "relay": "Send the workers a message for each account with due work.",
    "web": "Serve HTTP until SIGTERM.",
    "webhook": "Register this mirror's webhook at Cobalt, or repair it.",
}
_STYLE: dict[str, Any] = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}


class _Commands(TyperGroup):
    """The commands, each loaded when it is asked for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for argument in args:
            if not _is_utf8(argument) and not Path(argument.rpartition("=")[2]).exists():  # a file may have any name
                raise typer.BadParameter(f"{argument!r} is not UTF-8, as ids and names are; correct it")
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary.removesuffix(".")) for name, summary in COMMANDS.items()])


def _is_utf8(argument: str) -> bool:
    """Return whether the argument was text: Python makes halves of surrogate pairs of other bytes."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def load_command(name: str) -> Any:
    """Import a command and return it in the form that runs.

    Raises:
        ModuleNotFoundError: A library that the command needs is not installed.
    """
    try:
        command = getattr(import_module(f"cobalt_mirror.workers.cli.{name}"), name)
    finally:
        if not gc.isenabled():  # `cobalt_mirror_command` disabled it for the imports
            gc.freeze()  # what they left stays: no collection looks through it again, not even the last one, at the end
            gc.enable()
    if isinstance(command, typer.Typer):
        return get_command(command)
    alone = typer.Typer(**_STYLE)
    alone.command(name)(command)
    return get_command(alone)


app = typer.Typer(
    help=_HELP,
    cls=_Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    **_STYLE,
)


@app.callback()
def _commands() -> None:
    """Make a group of it, although it has no command of its own yet."""
