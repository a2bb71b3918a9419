"""The judgement of the encryption keys: only the first one should still seal rows, and every row be sealed by one."""

from collections.abc import Iterator

from cobalt_mirror.workers.ops.doctor.finding import Finding, broken, fine, warning
from cobalt_mirror.workers.ops.secret_keys import ROTATE, KeyReport, lost, rows

AREA = "secrets"
#: How many values that show no fingerprint are tried at most: the examination is to take no minute.
MOST_TRIED = 10_000


def judge_keys(report: KeyReport) -> Iterator[Finding]:
    """Judge which keys still seal rows."""
    for sentence in lost(report):
        wrong, _, remedy = sentence.partition("; ")
        yield broken(AREA, wrong, remedy)
    others = [key for key in report.keys[1:] if key.seals]
    if others:
        listed = ", ".join(f"key {key.position} seals {rows(key.seals)} of events" for key in others)
        yield warning(AREA, f"keys that still seal rows: {listed}", f"{ROTATE}, which seals them with key 1")
    elif report.untried:
        text = f"{rows(report.untried)} of events were sealed by an older release, too many to try the keys on here"
        yield warning(AREA, text, "see `cobalt-mirror secrets status`")
    elif not report.lost:
        seals = sum(key.seals for key in report.keys)
        yield fine(AREA, f"keys that still seal rows: {f'only key 1, {rows(seals)} of events' if seals else 'none'}")
