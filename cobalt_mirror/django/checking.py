"""`manage.py check`: the part of `cobalt-mirror doctor` that concerns a host's process, as messages of Django."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.core import checks
from django.db import Error, OperationalError

from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.django.configuring import find_contradictions, read_settings, read_variables
from cobalt_mirror.django.errors import DjangoError
from cobalt_mirror.django.publishing import engine_of, find_alias, session
from cobalt_mirror.workers.ops.doctor.finding import Finding, Level, broken, warning
from cobalt_mirror.workers.ops.doctor.host import examine_host, examine_host_database
from cobalt_mirror.workers.terminal.failures import describe

#: What our other processes do is no reason to stop a deployment: they may be stopped for it.
_ELSEWHERE = frozenset({"processes", "work"})
_RIGHTS = "correct that; docs/hosting.md has the rights of each role"
_CLASSES = {Level.FINE: checks.Info, Level.WARNING: checks.Warning, Level.BROKEN: checks.Error}


def check_settings(**_options: Any) -> list[checks.CheckMessage]:
    """Check our settings. Django does this before most commands, so it connects to nothing."""
    return [*map(message_for, _until_it_fails(_examine_settings(), "the settings"))]


def check_database(*, databases: Collection[str] | None = None, **_options: Any) -> list[checks.CheckMessage]:
    """Check the mirror in the database, if `check --database` names it.

    Each finding is a warning: `migrate` and the test runner make this check, too, and must go on without our tables.
    """
    if find_alias() not in (databases or ()):
        return []
    return [checks.Warning(each.msg, each.hint, id=each.id) for each in check_before_deploying()]


def check_before_deploying(**_options: Any) -> list[checks.CheckMessage]:
    """Check the mirror in the database, for `check --deploy`."""
    alias = find_alias()
    return [*map(message_for, _until_it_fails(_examine_database(alias), f"the database {alias!r}"))]


def message_for(finding: Finding) -> checks.CheckMessage:
    """Return a finding as Django's message. SILENCED_SYSTEM_CHECKS can name its part, such as `cobalt_mirror.work`."""
    kind = checks.Warning if finding.area in _ELSEWHERE and finding.level is Level.BROKEN else _CLASSES[finding.level]
    return kind(f"{finding.area}: {finding.text}", finding.remedy, id=f"cobalt_mirror.{finding.area}")


def _examine_settings() -> Iterator[Finding]:
    for name in find_contradictions():
        yield warning(
            "settings",
            f"{name} has one value in the settings module and another one as a variable; Django uses the former",
            "set it in one place, to what the workers have",
        )
    yield from examine_host(read_variables())


def _examine_database(alias: str) -> Iterator[Finding]:
    try:
        settings = read_settings()
    except BadSetting:
        return  # `check_settings` reports it
    with session(alias):
        yield from examine_host_database(engine_of(alias), settings, f"the database {alias!r}")


def _until_it_fails(findings: Iterator[Finding], asked: str) -> Iterable[Finding]:
    """Yield the findings that are not fine. If the examination itself fails, the last finding says so."""
    try:
        yield from (finding for finding in findings if finding.level is not Level.FINE)
    except Error as error:
        reason = str(error).strip().partition("\n")[0]
        remedy = "start it, or correct DATABASES" if isinstance(error, OperationalError) else _RIGHTS
        yield broken("database", f"{asked} fails: {reason}", remedy)
    except DjangoError as error:
        wrong, _, remedy = str(error).partition("; ")
        yield broken("database", wrong, remedy)
    except Exception as error:
        wrong, _, remedy = describe(error).partition("; ")
        yield broken("settings", wrong, remedy or "correct that, then check again")
