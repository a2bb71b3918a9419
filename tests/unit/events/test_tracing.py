"""The span in which an event is published: which texts name one, and from where it comes."""

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy import make_url

from cobalt_mirror.db.host_columns import Traceparent
from cobalt_mirror.events import InvalidEvent, UserDeleted, parse_cloudevent
from cobalt_mirror.events.tracing import current_traceparent
from tests.unit.test_import_name import modules_after

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"

#: A text, and whether it names a span.
TEXTS = [
    (GOOD, True),
    (f"00-{TRACE}-{SPAN}-00", True),
    (f"fe-{TRACE}-{SPAN}-01", True),
    (f"ff-{TRACE}-{SPAN}-01", False),
    (f"00-{'0' * 32}-{SPAN}-01", False),
    (f"00-{TRACE}-{'0' * 16}-01", False),
    (f"00-{TRACE[1:]}-{SPAN}-01", False),
    (f"00-{TRACE}a-{SPAN}-01", False),
    (f"00-{TRACE.upper()}-{SPAN}-01", False),
    (f"{GOOD}\n", False),
    (f"{GOOD}-later", False),
    ("", False),
]


@pytest.mark.parametrize(("text", "names_one"), TEXTS)
def test_only_a_text_of_the_standard_names_a_span(text: str, names_one: bool) -> None:
    document = (
        '{"specversion": "1.0", "id": "1", "source": "s", "type": "user_deleted", "data": {"linked_account_id": "a"}'
    )
    event = parse_cloudevent(f'{document}, "traceparent": "{text.strip()}{text[len(text.rstrip()) :] and " "}"}}')

    assert event.traceparent == (text if names_one else None)  # a CloudEvent of another system is not refused for it
    assert read_from_a_column(text) == (text if names_one else None)
    if names_one:
        assert UserDeleted("a", traceparent=text).traceparent == text
    else:
        with pytest.raises(InvalidEvent, match=r"^traceparent: must be of the form of W3C Trace Context"):
            UserDeleted("a", traceparent=text)


@pytest.mark.parametrize("value", [None, 4711, b"\xff", ["x"]])
def test_what_is_no_text_names_none(value: Any) -> None:
    assert read_from_a_column(value) is None


def read_from_a_column(value: Any) -> str | None:
    return Traceparent().process_result_value(value, make_url("sqlite://").get_dialect()())


def test_the_current_span_is_told_and_nothing_outside_of_one() -> None:
    assert current_traceparent() is None
    with TracerProvider(shutdown_on_exit=False).get_tracer("host").start_as_current_span("request") as span:
        context = span.get_span_context()

        assert current_traceparent() == f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


def test_a_host_that_does_not_trace_loads_nothing_for_it() -> None:
    loaded = modules_after(
        "import sys\n"
        "from cobalt_mirror import UserDeleted, publish\n"
        "from cobalt_mirror.events.tracing import current_traceparent\n"
        "assert current_traceparent() is None\n"
        "print()\nprint(*sorted(sys.modules))"
    )

    assert {module for module in loaded if module.startswith("opentelemetry")} == set()
