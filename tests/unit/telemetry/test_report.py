"""What may be said of a reason outside: our own words, without what a host or Cobalt wrote and without ids."""

import pytest

from cobalt_mirror.workers.telemetry.report import core_of_reason, plain_reason

ACCOUNT = "/api/v2/public/linked-account"
REFUSED = "Cobalt refused the request; a retry does not help"

#: A reason, what may be said of it, and what is the same for every event that has it.
REASONS = [
    ("the account was deleted", "the account was deleted", "the account was deleted"),
    ("", "", ""),
    (
        f'GET {ACCOUNT}/acme: {REFUSED}: 400 BAD "acme has hunter2" (request_id r-1)',
        f"GET {ACCOUNT}/{{account}}: {REFUSED}: 400 BAD …",
        f"{REFUSED}: 400 BAD ",
    ),
    (f"PUT {ACCOUNT}: {REFUSED}: 422 (request_id r-2)", f"PUT {ACCOUNT}: {REFUSED}: 422", f"{REFUSED}: 422"),
    ("GET /elsewhere/acme: no", "GET (another path): no", "no"),
    ("type: 'acme-renamed' is not one of ours", "type: … is not one of ours", "type: "),
    ("Cobalt's answer is the customer's", "Cobalt's answer is the customer's", "Cobalt's answer is the customer's"),
    ('refused: "cut in the mid', "refused: …", "refused: "),
    ("refused: 'cut in the mid", "refused: …", "refused: "),
    ("x" * 300, "x" * 200, "x" * 300),
]


@pytest.mark.parametrize(("detail", "plain", "core"), REASONS)
def test_a_reason_is_told_without_the_words_of_others(detail: str, plain: str, core: str) -> None:
    assert plain_reason(detail) == plain
    assert core_of_reason(detail) == core
