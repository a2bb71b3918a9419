"""Reads the configs of a connection for their own sake: one that does not show any more is looked at again.

A check remembers from one look to the next what did not show, and since when.
"""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime, timedelta

from cobalt_mirror.cobalt import CobaltError, UnexpectedAnswer, UnknownApplication, UnknownConfig
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.workers.handlers.access import Reader
from cobalt_mirror.workers.handlers.configs import CONTRADICTED, found_config
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.identity import Link, read_links
from cobalt_mirror.workers.handlers.looking import SETTLED


def read_configs(
    cobalt: Reader,
    findings: Findings,
    *,
    known: Container[ConfigKey] = (),
    links: Sequence[Link] = (),
    is_expected: bool = False,
) -> None:
    """Read every config that Cobalt lists or the mirror shows as installed, and note those that are gone.

    A config that does not show is looked at again, 15 seconds later, before it is gone.

    Args:
        cobalt: the right to read.
        findings: what to change.
        known: keys of configs that need no reading.
        links: what is connected, beside what is noted.
        is_expected: whether configs are expected to be gone, because their connection is: then this read is believed.

    Raises:
        UnexpectedAnswer: Cobalt shows a config in one answer, and not in another. The others are noted; try again
            later.
    """
    listed = [ConfigKey(each.config_id, each.connection_id or "") for each in cobalt.fetch_configs()]
    shown = read_links(None if findings.connection is None else findings.connection.accounts)
    ids = [*(key.connection_id for key in listed), *(link.connection_id for link in (*shown, *links))]
    holds_several = bool(findings.loaded.has_multi_auth) or any(ids)
    contradiction: CobaltError | None = None
    for key in dict.fromkeys([*(row.key for row in findings.configs), *listed]):
        if key in known:
            continue
        # Since then, the application has come to hold several, and Cobalt refuses to look for one without a connection.
        if holds_several and not key.connection_id and key not in listed:
            _absent(findings, key, is_expected=is_expected)
            continue
        try:
            found_config(findings, key, cobalt.fetch_config(key))
        except (UnknownConfig, UnknownApplication) as error:
            if key in listed or isinstance(error, UnknownApplication):  # that answer shows it, or its application
                contradiction = error
            else:
                _absent(findings, key, is_expected=is_expected)
    if contradiction is not None:
        raise UnexpectedAnswer(CONTRADICTED) from contradiction
    waits = (findings.looks_again, next_look_at_absent(findings.absent, findings.loaded.now))
    findings.looks_again = min((wait for wait in waits if wait is not None), default=None)


def _absent(findings: Findings, key: ConfigKey, *, is_expected: bool) -> None:
    """Note that Cobalt does not show a config that the mirror shows: gone, if it did not show before, either."""
    check, now = findings.loaded.check, findings.loaded.now
    since = None if check is None else check.absent.get(key)
    verified_at = next((row.verified_at for row in findings.configs if row.key == key), None)
    if since is not None and verified_at is not None and verified_at > since:  # it was read or written meanwhile
        since = None
    if is_expected:
        findings.config_deleted(key)
    elif is_believed(since, now):
        findings.config_gone(key)
    else:
        findings.absent[key] = now if since is None else since


def is_believed(since: datetime | None, now: datetime) -> bool:
    """Tell whether a config that does not show now is gone: it did not show some time ago, either.

    Args:
        since: when it did not show for the first time; None: now.
        now: the time.
    """
    return since is not None and now - since >= SETTLED


def next_look_at_absent(absent: Mapping[ConfigKey, datetime], now: datetime) -> timedelta | None:
    """Return how long to wait until the first of these is believed to be gone; None: nothing is absent."""
    return min((since + SETTLED - now for since in absent.values()), default=None)
