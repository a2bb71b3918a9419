"""An id that an event will have later is held to the rule of events before anything is done with it."""

import pytest

from cobalt_mirror.events import InvalidEvent, UserDeleted
from cobalt_mirror.events.identifiers import LONGEST, check_identifier


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "String should have at least 1 character"),
        ("   ", "must not be blank"),
        ("x" * (LONGEST + 1), f"String should have at most {LONGEST} characters"),
        ("a\0", "must not contain control characters or lone surrogates"),
        ("a\nb", "must not contain control characters or lone surrogates"),
        ("a\x85", "must not contain control characters or lone surrogates"),
        ("a\ud83d", "Input should be a valid string, unable to parse raw data as a unicode string"),
        (".", "must not be . or .., which name folders in a path"),
        ("..", "must not be . or .., which name folders in a path"),
    ],
)
def test_what_no_event_may_have_as_an_id_is_refused_with_the_words_of_events(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        check_identifier(text)
    with pytest.raises(InvalidEvent) as event_refused:
        UserDeleted(text)

    assert str(refused.value) == rule
    assert str(event_refused.value) == f"linked_account_id: {rule}"


@pytest.mark.parametrize("text", ["x" * LONGEST, "über/ straße@☕", " a", "..."])
def test_what_an_event_may_have_as_an_id_passes(text: str) -> None:
    check_identifier(text)

    assert UserDeleted(text).linked_account_id == text
