"""Write both files of facts anew, from the reference beside this clone."""

import json

from tests.facts import ANSWERS, OPERATIONS
from tests.facts.reference import answers_of_the_reference, operations_of_the_reference


def main() -> None:
    """Write an operation and an answer a line."""
    operations = operations_of_the_reference()
    lines = [f"{json.dumps(call)}: {json.dumps(facts)}" for call, facts in operations.items()]
    OPERATIONS.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    lines = [json.dumps(fact) for fact in answers_of_the_reference()]
    ANSWERS.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")


if __name__ == "__main__":
    main()
