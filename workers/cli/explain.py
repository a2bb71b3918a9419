"""`cobalt-mirror explain`: say how one customer stands, and what happened to them."""

import threading
from datetime import datetime
from typing import Annotated, Any

import typer

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.cli.values import moment
from cobalt_mirror.workers.ops import explaining
from cobalt_mirror.workers.ops.explaining import News, Question
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.ops.timeline import Line
from cobalt_mirror.workers.ops.verdict import in_words
from cobalt_mirror.workers.terminal.output import print_json, print_json_line, print_line
from cobalt_mirror.workers.terminal.signals import stop_on_signal
from cobalt_mirror.workers.terminal.words import cell

#: Between two looks of --follow.
_LOOK_SECONDS = 1.0
#: The width of a time, with the space after it.
_TIME_WIDTH = 22


def explain(
    account: Annotated[str, typer.Argument(help="Linked account id: your own id of the customer.")],
    slug: Annotated[
        str | None, typer.Argument(help="Application: only what concerns it, and the account itself.")
    ] = None,
    *,
    since: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="Only what happened since this time or age, such as 24h."),
    ] = None,
    limit: Annotated[int, typer.Option(help="Number of lines of what happened, the latest.", min=1, max=10_000)] = 50,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document; with --follow, one on each line.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Print new lines as they come, until Ctrl-C.")] = False,
) -> None:
    """Say how one customer stands, and what happened to them.

    The first line is the verdict: the state and since when, why, what is due next, who has to act, and the command that
    helps. Then, from what is stored: events, calls to Cobalt, changes of the mirror, notifications, what reconcile
    found, and at the end what waits, at the time when it is due. `show` has the state in full.

    \b
    Example:
      cobalt-mirror explain acme slack --since 24h
    """
    settings = ready_for_database()
    question = Question(account=account, slug=slug, since=since, limit=limit)
    engine = create_engine(settings)
    stopped = threading.Event()
    try:
        if follow:
            with stop_on_signal(stopped.set):
                _follow(
                    explaining.follow(
                        lambda: explaining.explain(engine, question, settings), lambda: stopped.wait(_LOOK_SECONDS)
                    ),
                    as_json=as_json,
                )
        else:
            explanation = explaining.explain(engine, question, settings)
            if as_json:
                print_json(explanation)
            else:
                _print(News(at=explanation.at, verdict=explanation.verdict, lines=explanation.lines))
    finally:
        engine.dispose()


def _follow(looks: Any, *, as_json: bool) -> None:
    for news in looks:
        if as_json:
            print_json_line(news)
        else:
            _print(news)


def _print(news: News) -> None:
    if news.verdict is not None:
        print_line("", in_words(news.verdict, news.at), indent=0)
    for line in news.lines:
        print_line(cell(line.at), _text(line), indent=_TIME_WIDTH)


def _text(line: Line) -> str:
    return f"{line.kind}{f' ({line.slug})' if line.slug else ''}: {line.text}"
