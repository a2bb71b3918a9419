"""The sentences with which a run of `cobalt-mirror reconcile` says what was compared, and what was not."""

from collections.abc import Iterator
from datetime import datetime

from cobalt_mirror.db.config_turns import ConfigReads
from cobalt_mirror.workers.ops.actions import describe_returned
from cobalt_mirror.workers.reconcile import Ending, Report
from cobalt_mirror.workers.terminal.words import cell


def summary(report: Report) -> Iterator[str]:
    """Yield what a run that finished has compared, a sentence a line. The last one says whether all agrees."""
    run, configs = report.run, report.configs
    if run.contradiction:
        yield (
            f"Cobalt's listing contradicts itself: {cell(run.contradiction)}; the mirror may lack accounts that it did"
            " not show, and those of the mirror were read one by one or, if they are too many to be gone, left: run"
            " reconcile again, and if this stays, tell Cobalt"
        )
    if run.untold:
        yield f"the listing shows {run.untold} accounts without their connections, which were not compared"
    if (returned := describe_returned(report.returned, report.first_returned)) is not None:
        yield returned
    if configs is not None:
        yield describe_configs(configs)
    if report.ending is Ending.IN_AGREEMENT:
        yield _last_line(report)


def describe_configs(configs: ConfigReads) -> str:
    """Return how far the configs are read, such as `configs: 3 of 150 read, the oldest read at ...`."""
    if not configs.total:
        return "configs: there is no connection to have any"
    oldest = "" if configs.oldest_at is None else f", the oldest read at {_second(configs.oldest_at)}"
    never = f", {configs.never} never read" if configs.never else ""
    return f"configs: {configs.read} of {configs.total} read{oldest}{never}"


def _last_line(report: Report) -> str:
    if report.is_whole:
        return "mirror and Cobalt agree: all accounts, connections and configs were compared in this run"
    options, configs = report.run.options, report.configs
    scope = "all accounts"
    if options["account"] is not None:
        scope = f"account {cell(options['account'])}"
    elif options["older_than_seconds"] is not None:
        scope = "the accounts that were not verified for that long"
    read = "" if configs is None else f", and the configs of {configs.read} of {configs.total} connections"
    connections = "" if report.run.untold else " with their connections"
    return f"no difference is left in what was compared: {scope}{connections}{read}"


def _second(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"
