"""What the vendor's reference says of the API, as facts in our own notation, so that a clone alone can be tested.

The reference itself (`../shared/cobalt`) is not ours to ship. Where it lies beside the clone, tests read it, and
`tests/unit/test_facts.py` checks that the two files here say the same; `python -m tests.facts` writes them anew.

- `operations.json`: for each operation that the sandbox serves, its parameters, and the keys and types of body and
  answer; see `tests.facts.notation`. Which keys an answer must have is in `tests.facts.required`.
- `answers.json`: for each example answer, its status, the codes of an error, and the keys and types of its body.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
REFERENCE = Path(__file__).parents[3] / "shared" / "cobalt"
OPERATIONS, ANSWERS = FOLDER / "operations.json", FOLDER / "answers.json"
DESCRIPTION, EXAMPLES = REFERENCE / "openapi.yaml", REFERENCE / "examples.json"

#: What stays as it is in `answers.json`: codes that a program compares.
CODES = frozenset({"error", "error_code", "http_error_type", "status_code"})
#: Values that stand for a text of this key; for any other key, the key itself does.
TEXTS = {"environment": "test", "status": "active"}
MOMENT = "2026-05-04T03:02:01.250Z"


def example_answers() -> list[dict[str, Any]]:
    """Return the example answers of the reference; without it, answers of the same keys and types."""
    if EXAMPLES.exists():
        examples: list[dict[str, Any]] = json.loads(EXAMPLES.read_text("utf-8"))
        return examples
    return [{**fact, "body": _body(fact)} for fact in json.loads(ANSWERS.read_text("utf-8"))]


def shape(value: Any, key: str = "") -> Any:
    """Return what a body says without its texts and numbers: keys, types, codes, and true, false and null."""
    match value:
        case dict() if key == "identifier":
            return {}  # as the provider likes
        case dict():
            return {name: shape(each, name) for name, each in value.items()}
        case list():
            shapes = [shape(each, key) for each in value]
            return [each for place, each in enumerate(shapes) if each not in shapes[:place]]
        case _ if value is None or isinstance(value, bool) or key in CODES:
            return value
        case _:
            return "text" if isinstance(value, str) else "number"


def stand_in(fact: Any, key: str = "") -> Any:
    """Return a body of a shape, with values of our own."""
    match fact:
        case dict():
            return {name: stand_in(each, name) for name, each in fact.items()}
        case list():
            return [stand_in(each, key) for each in fact]
        case "text":
            return MOMENT if key.endswith("At") else TEXTS.get(key, key or "text")
        case "number":
            return 7
        case _:
            return fact


def _body(fact: dict[str, Any]) -> Any:
    body = stand_in(fact["body"])
    # The one status whose meaning is in the message alone.
    return {**body, "message": "Failed to verify credentials"} if fact["status"] == 500 else body
