"""What is said of each encryption key: by `secrets status`, and by the examination."""

from typing import Any

import pytest

from cobalt_mirror.workers.ops.doctor.finding import Finding
from cobalt_mirror.workers.ops.doctor.secret_keys import judge_keys
from cobalt_mirror.workers.ops.secret_keys import KeyReport, KeyUse, sentences


def key(position: int, *, named: int = 0, tried: int = 0, same_as: int | None = None) -> KeyUse:
    return KeyUse(position=position, fingerprint=f"F{position}", named=named, tried=tried, same_as=same_as)


def report(*keys: KeyUse, **more: Any) -> KeyReport:
    return KeyReport(keys=keys, **{"unknown": {}, "unopened": 0, **more})


NONE_SEALS = "keys that still seal rows: none"
OTHERS = [
    pytest.param(report(), "fine", NONE_SEALS, id="no key, and nothing is sealed"),
    pytest.param(report(key(1)), "fine", NONE_SEALS, id="nothing is sealed"),
    pytest.param(
        report(key(1, named=2, tried=1), key(2)), "fine", "keys that still seal rows: only key 1, 3 rows of events"
    ),
    pytest.param(
        report(key(1, named=9), key(2, tried=1), key(3), key(4, named=1000)),
        "warning",
        "keys that still seal rows: key 2 seals 1 row of events, key 4 seals 1,000 rows of events",
        id="others do",
    ),
    pytest.param(
        report(key(1), untried=1),
        "warning",
        "1 row of events were sealed by an older release, too many to try the keys on here",
        id="nobody knows",
    ),
    pytest.param(
        report(key(1, named=1), unknown={"X": 1}),
        "broken",
        "1 row of events: sealed by a key that is not in MIRROR_SECRET_KEYS (fingerprint X)",
        id="by another key",
    ),
    pytest.param(
        report(key(1, named=1), unopened=2),
        "broken",
        "2 rows of events: sealed by an older release with a key that is not in MIRROR_SECRET_KEYS, or not by us",
        id="nobody knows by which",
    ),
    pytest.param(
        report(unknown={"X": 1}),
        "broken",
        "1 row of events: sealed by a key that is not in MIRROR_SECRET_KEYS (fingerprint X)",
        id="no key at all",
    ),
]


@pytest.mark.parametrize(("seen", "level", "text"), OTHERS)
def test_the_keys_are_judged(seen: KeyReport, level: str, text: str) -> None:
    (finding,) = judge_keys(seen)

    assert (str(finding.level), finding.text) == (level, text)
    assert (finding.remedy is None) is (level == "fine")


def test_lost_rows_and_other_keys_are_both_told() -> None:
    found: list[Finding] = list(judge_keys(report(key(1), key(2, named=1), unknown={"X": 1}, unopened=1)))

    assert [str(finding.level) for finding in found] == ["broken", "broken", "warning"]


def test_each_key_has_a_sentence_that_says_what_to_do() -> None:
    told = list(sentences(report(key(1), key(2, named=2, tried=1), key(3), key(4, same_as=1), unknown={"X": 1})))

    assert [sentence.partition("; ")[2] for sentence in told] == [
        "new secrets are sealed with it",
        "run `cobalt-mirror secrets rotate`, which seals them with key 1",
        "remove it from MIRROR_SECRET_KEYS, unless it is a new key, which has still to move to the front",
        "remove it from MIRROR_SECRET_KEYS",
        "add that key at the end, then run `cobalt-mirror secrets rotate`",
    ]
    assert told[2].startswith("key 3 (fingerprint F3) seals nothing any more; ")
    assert list(sentences(report())) == ["MIRROR_SECRET_KEYS is not set, and nothing is sealed"]
