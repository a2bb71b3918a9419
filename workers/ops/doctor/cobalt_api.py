"""The examination of Cobalt: whether it answers, how fast, whether the key is right, and what its clock says."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from cobalt_mirror.cobalt import CobaltError, KeyRefused, RateLimited
from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.workers.clients import create_client
from cobalt_mirror.workers.ops.doctor.clocks import judge_clock
from cobalt_mirror.workers.ops.doctor.finding import Finding, Level, broken, fine, warning
from cobalt_mirror.workers.settings import Settings

AREA = "cobalt"
#: A customer waits for several calls.
SLOW_SECONDS = 2.0
#: How long the question for the time may take.
_TIMEOUT_SECONDS = 5.0
#: `Date` has whole seconds, and servers make it anew once a second; a busy one does so later, so it is asked again.
_DATE_AGE, _CLOCK_TRIES = timedelta(seconds=2), 3
_WAIT = (
    "wait: work goes on as fast as Cobalt lets it; if it lasts, find what else calls Cobalt with this organisation's "
    "keys, or lower COBALT_RATE_PER_SECOND"
)


def examine_cobalt(settings: Settings, *, pinned: str | None) -> Generator[Finding, None, bool]:
    """Make the smallest call, and judge the answer; return whether other questions to Cobalt make sense.

    Args:
        settings: the settings in force, with a key.
        pinned: the environment that the database belongs to; None: not known yet.
    """
    address = settings.cobalt_base_url
    try:
        client = create_client(settings)
    except BadSetting as error:
        wrong, _, remedy = str(error).partition("; ")
        yield broken(AREA, wrong, remedy or "correct it, then run this again")
        return False
    with client:
        began = time.perf_counter()
        try:
            client.probe()
        except KeyRefused as error:
            yield broken(
                AREA, f"{address} refuses the key: {error}", "set the right COBALT_API_KEY, restart the workers"
            )
            return False
        except RateLimited as error:
            yield warning(AREA, f"{address} limits the rate: {error}", _WAIT)
            return False
        except CobaltError as error:
            yield broken(
                AREA, f"{address} does not work: {error}", f"it is up to the {Move.PROVIDER}; ask Cobalt how long"
            )
            return False
        yield judge_answer(address, time.perf_counter() - began)
        environment = judge_environment(client.environment, pinned)
        yield environment
    yield from ask_again(lambda: _examine_clock(address))
    return environment.level is Level.FINE


def judge_answer(address: str, seconds: float) -> Finding:
    """Judge how long Cobalt took."""
    text = f"{address} accepts the key, and answers in {seconds * 1_000:.0f} ms"
    return (
        warning(AREA, text, "look at the network and at Cobalt's status")
        if seconds > SLOW_SECONDS
        else fine(AREA, text)
    )


def judge_environment(of_key: str | None, pinned: str | None) -> Finding:
    """Judge whether key and database are of one environment."""
    if of_key is not None and pinned is not None and of_key != pinned:
        return broken(
            AREA,
            f"COBALT_API_KEY is a {of_key} key and this database mirrors the {pinned} environment",
            f"set a {pinned} key, or another DATABASE_URL",
        )
    key = of_key or "unknown"
    database = f"the database belongs to {pinned}" if pinned else "the database belongs to none yet"
    return fine(AREA, f"the key's environment is {key}; {database}")


def ask_again(ask: Callable[[], Iterable[Finding]], *, tries: int = _CLOCK_TRIES) -> list[Finding]:
    """Return the first findings that are all fine, or the last ones."""
    for _ in range(tries - 1):
        findings = list(ask())
        if all(each.level is Level.FINE for each in findings):
            return findings
    return list(ask())


def _examine_clock(address: str) -> Iterator[Finding]:
    try:
        before = datetime.now(UTC)
        answer = httpx.head(address, timeout=_TIMEOUT_SECONDS)
        after = datetime.now(UTC)
    except httpx.HTTPError:
        return  # nothing depends on it
    if (there := read_date(answer.headers.get("date", ""))) is not None:
        yield from judge_clock("Cobalt", there, before=before, after=after, age=_DATE_AGE)


def read_date(text: str) -> datetime | None:
    """Return the time in a `Date` header; None: it is none, or a proxy left it out."""
    try:
        time_there = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter of an offset that no time can have
        return None
    return time_there.replace(tzinfo=UTC) if time_there.tzinfo is None else time_there  # -0000 is UTC, too
