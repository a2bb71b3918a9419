"""Statements that SQLAlchemy compiled, kept for the engines of all worlds: each test has a world of its own."""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Dialect


class _CompiledStatements(dict[Any, Any]):
    """A cache for `compiled_cache` in whose keys engines of the same kind of database are alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_any_engine(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_of_any_engine(key), compiled)


def _of_any_engine(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the key with the name of the dialect in place of the engine's own."""
    return tuple(part.name if isinstance(part, Dialect) else part for part in key)


_compiled_statements = _CompiledStatements()


def compile_once(engine: Engine) -> None:
    """Let the engine use what others compiled: to compile again was two fifths of the processor time of such tests."""
    engine.update_execution_options(compiled_cache=_compiled_statements)
