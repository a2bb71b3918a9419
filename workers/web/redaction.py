"""The part of an upstream's error that is kept: without secrets, and of limited length.

The work is bounded by the limit, not by the size of the error: what is behind the limit is not searched.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cobalt_mirror.workers.web.body import DEEPEST

REDACTED = "[redacted]"
#: Stands where something was left out because of the limit.
CUT = "…"

#: What is kept of a JSON object before anything else, if it is short; `message` and what wraps it come next.
_SHORT_PARTS = ("code", "error_code", "status", "status_code", "statusCode")
_LONG_PARTS = ("message", "error_message", "error", "errors", "reason", "detail", "details", "response", "data", "body")
_SHORT = 100
_LONGEST_NAME = 200
#: How far behind the limit a secret is searched that is recognised by its end.
_LOOKAHEAD = 512
#: A key shorter than this is not searched for: it would be found in words.
_SHORTEST_KEY = 6

_SENSITIVE = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|credential|authori[sz]ation|cookie|bearer|jwt|signature"
    r"|session[\W_]?id|(?:api|access|private|signing|encryption|shared|master|account|auth)[\W_]?key"
    r"|(?<![a-z])(?:pass|auth(?!_type)|otp|pin)(?![a-z])|(?-i:(?<=[a-z])(?:Pass|Auth|Otp|Pin)(?![a-z]))"
)
_IS_SENSITIVE = re.compile(_SENSITIVE, re.IGNORECASE)
#: The names under which a list of pairs, such as headers, keeps the name and the value.
_PAIR_NAMES = ("name", "key", "key_name", "header", "field", "id")
_PAIR_VALUES = frozenset({"value", "values", "key_value"})

#: Secrets in a text. The group that matches is what stays of it. Each alternative is recognised by its beginning, or by
#: an end within the lookahead, and no repetition that can fail is unbounded: the search is linear.
_SECRETS = (
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
    # A line of a header: everything up to its end, since cookies and digests have spaces and quotes.
    r"(?P<header>(?:authori[sz]ation|cookie)\w{0,10}[ \t]{0,20}:[ \t]{0,20})[^\s][^\r\n]*",
    # name=value, name: value, "name": "value", and the same inside of a JSON string.
    rf"(?P<name>(?:{_SENSITIVE})[\w.-]{{0,40}}\\{{0,8}}[\"']?\]?\s{{0,20}}(?::|=>?|%3[ad])\s{{0,20}})"
    r"(?:(?P<slashes>\\{0,8})(?P<quote>[\"']).*?(?:(?<!\\)(?P=slashes)(?P=quote)|\Z)"
    r"|[\[{].*"
    r"|(?:(?:bearer|basic|token)\s{1,20})?(?:[^\s&;\"'<>\\]|\\(?![\"']))+)",
    r"(?P<query>[?&](?:code|key|sig|auth|pass)=)[^\s&#\"'<>]+",
    r"(?P<address>://)(?:[^\s/@:\"']{0,128}:[^\s\"'<>]{1,256}|[^\s/@\"'?#]{1,256})(?=@)",
    r"(?P<bearer>\bbearer(?:\s{1,20}|%20)(?:token[\s:=]{1,20})?)"
    r"(?!(?:token|auth\w{0,20}|scheme|realm|error|is|was|not|required)\b)[^\s\"'<>,;\\]+",
    r"(?P<basic>\bbasic(?:\s{1,20}|%20))(?-i:(?![A-Z]?[a-z]+\b)[A-Za-z0-9+/_-]{6,}={0,2})",
    r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}",
    # Keys that are known by their beginning: Cobalt's first, then those of common providers.
    r"\b[tp]k[\w-]{12,}|\b[prst]k[_-][\w-]{4,}",
    r"\bxox[a-z]-[\w-]{6,}|\bgh[pousr]_\w{10,}|\bgithub_pat_\w{10,}|\bA[KS]IA[A-Z0-9]{12,}|\bAIza[\w-]{20,}"
    r"|\bya29\.[\w-]{6,}|\bSG\.[\w-]{10,}(?:\.[\w-]*)?|\bpat-\w{2,4}\d-[\w-]{8,}",
)
_NAMES = ("header", "name", "query", "address", "bearer", "basic")


class Redactor:
    """Takes secrets out of values that others wrote, and keeps a limited part of them."""

    def __init__(self, keys: Sequence[str] = (), *, limit: int) -> None:
        """Make a redactor.

        Args:
            keys: Secrets of this installation, found wherever they stand; empty and very short ones are ignored.
            limit: Number of characters of names and values that `keep` keeps; 0 keeps nothing.
        """
        known = [re.escape(key) for key in keys if len(key) >= _SHORTEST_KEY]
        self._secrets = re.compile("|".join([*known, *_SECRETS]), re.IGNORECASE | re.DOTALL)
        self._limit = limit

    def keep(self, value: Any) -> Any:
        """Return the part of a JSON value that is kept, as a JSON value; None if nothing is.

        The useful parts of an object come first. `CUT` stands where something was left out.
        """
        return _Walk(self, self._limit).copy(value) if self._limit else None

    def describe(self, kept: Any) -> str | None:
        """Return what `keep` kept of an error as one text, within the limit; None if it says nothing."""
        if kept in (None, False, "", [], {}):
            return None
        text = kept if isinstance(kept, str) else _message(kept) or json.dumps(kept, ensure_ascii=False)
        return _cut(text, self._limit)

    def redact(self, text: str, *, limit: int) -> str:
        """Return the beginning of a text without its secrets, at most `limit` characters."""
        parts: list[str] = []
        position, room = 0, limit
        while room > 0 and position < len(text):
            end = position + room + _LOOKAHEAD
            match = self._secrets.search(text, position, end)
            if match is None or match.start() >= position + room:
                parts.append(text[position : position + room])
                position += room
                break
            shown = text[position : match.start()] + _name_of(match) + REDACTED
            parts.append(shown)
            if match.end() == end:  # it may go on: nothing behind it is kept
                break
            room -= len(shown)
            position = match.end()
        return _cut("".join(parts), limit, is_cut=position < len(text))


class _Walk:
    """A copy of one value in the making. `left` is the number of characters that may still be kept."""

    def __init__(self, redactor: Redactor, left: int) -> None:
        self._redactor = redactor
        self._left = left

    def copy(self, value: Any, *, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self._text(value, depth=depth)
        if isinstance(value, dict | list):
            if depth > DEEPEST:
                return CUT
            return self._object(value, depth=depth) if isinstance(value, dict) else self._array(value, depth=depth)
        size = len(json.dumps(value))
        return self._spend(value, size) if size <= max(self._left, 1) else CUT

    def _spend(self, value: Any, size: int) -> Any:
        self._left -= size
        return value

    def _text(self, value: str, *, depth: int) -> str:
        before = self._left
        if value and before <= 0:
            return CUT
        document = _decode(value)
        if document is None:
            text = self._redactor.redact(value, limit=before)
        else:
            text = _cut(json.dumps(self.copy(document, depth=depth + 1), ensure_ascii=False), before)
        self._left = before - len(text)
        return text

    def _object(self, value: Mapping[str, Any], *, depth: int) -> dict[str, Any]:
        hidden = _PAIR_VALUES if any(_is_secret(value.get(name)) for name in _PAIR_NAMES) else frozenset()
        kept: dict[str, Any] = {}
        for name, item in _useful_first(value):
            if self._left <= 0:
                kept[CUT] = CUT
                break
            shown = self._redactor.redact(name, limit=min(self._left, _LONGEST_NAME))
            self._left -= len(shown) + 1
            kept[shown] = self._item(item, is_secret=_is_secret(name) or name in hidden, depth=depth)
        return kept

    def _array(self, value: Sequence[Any], *, depth: int) -> list[Any]:
        kept: list[Any] = []
        is_secret = False
        for item in value:
            if self._left <= 0:
                kept.append(CUT)
                break
            self._left -= 1
            kept.append(self._item(item, is_secret=is_secret, depth=depth))
            is_secret = _is_secret(item) and " " not in item  # a name, as in a flat list of headers
        return kept

    def _item(self, item: Any, *, is_secret: bool, depth: int) -> Any:
        if not is_secret or item is None or isinstance(item, bool):
            return self.copy(item, depth=depth + 1)
        return self._spend(REDACTED, len(REDACTED))


def _is_secret(name: Any) -> bool:
    """Return whether what has this name is a secret. A name that is too long to tell counts as one."""
    return isinstance(name, str) and (len(name) > _LONGEST_NAME or _IS_SENSITIVE.search(name) is not None)


def _useful_first(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    short = [name for name in _SHORT_PARTS if name in value and _is_short(value[name])]
    first = dict.fromkeys([*short, *(name for name in _LONG_PARTS if name in value)])
    yield from ((name, value[name]) for name in first)
    yield from ((name, item) for name, item in value.items() if name not in first)


def _is_short(value: Any) -> bool:
    return len(value) <= _SHORT if isinstance(value, str) else isinstance(value, int | float)


def _decode(text: str) -> Any:
    """Return the JSON object or array that a text consists of; None for any other text."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _name_of(match: re.Match[str]) -> str:
    """Return what stays of a match: the name in front of the secret, if it has one."""
    return next((match[group] for group in _NAMES if match[group] is not None), "")


def _message(kept: Any) -> str | None:
    """Return the message of an error that is a JSON object, with its code and status; None if it has none."""
    message = kept.get("message") if isinstance(kept, dict) else None
    if not isinstance(message, str) or not message:
        return None
    notes = [f"{name} {kept[name]}" for name in _SHORT_PARTS if name in kept and _is_short(kept[name])]
    return f"{message} ({', '.join(notes)})" if notes else message


def _cut(text: str, limit: int, *, is_cut: bool = False) -> str:
    return text[: max(limit - 1, 0)] + CUT[:limit] if is_cut or len(text) > limit else text
