"""What is kept of an error: a limited part, useful things first, and no secret however it is written."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cobalt_mirror.workers.web.redaction import CUT, REDACTED, Redactor
from tests.effort import tries

LIMIT = 60
SECRET = "hunter2-S3cr3t"
KEY = "the-key-of-ours"
LARGE = 1024 * 1024


def keep(error: Any, *, limit: int = 2000) -> Any:
    return Redactor([KEY, "", "abc"], limit=limit).keep(error)


def text(value: Any) -> str:
    return json.dumps(value)


def size(kept: Any) -> int:
    """The characters of all names and values."""
    if isinstance(kept, dict):
        return sum(size(name) + size(item) for name, item in kept.items())
    if isinstance(kept, list):
        return sum(map(size, kept))
    return len(kept) if isinstance(kept, str) else len(json.dumps(kept))


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        ("", ""),
        ("no such channel", "no such channel"),
        ("x" * LIMIT, "x" * LIMIT),
        ("x" * (LIMIT + 1), "x" * (LIMIT - 1) + CUT),
        ("é👋" * LIMIT, "é👋" * (LIMIT // 2 - 1) + "é" + CUT),
        (None, None),
        (False, False),
        (0, 0),
        (404, 404),
        (1.5, 1.5),
        (10**LIMIT, CUT),
        ([], []),
        ({}, {}),
        (["a", 1, None, True], ["a", 1, None, True]),
        ({"message": "no such channel"}, {"message": "no such channel"}),
        ({"a": {"b": [{"c": "d"}]}}, {"a": {"b": [{"c": "d"}]}}),
        ({"stack": "x" * LIMIT, "code": 7, "message": "no"}, {"code": 7, "message": "no", "stack": "x" * 37 + CUT}),
        ({"message": "x" * LARGE, "status": 404}, {"status": 404, "message": "x" * 41 + CUT}),
        ({"code": "x" * LARGE, "message": "no"}, {"message": "no", "code": "x" * 44 + CUT}),
        ({"a": "x" * LARGE, "b": "y"}, {"a": "x" * 57 + CUT, CUT: CUT}),
        (["x" * LARGE, "y"], ["x" * 58 + CUT, CUT]),
        ({"x" * 58: "y"}, {"x" * 58: "y"}),
        ({"x" * 59: "y"}, {"x" * 59: CUT}),
        ({"x" * 59: ""}, {"x" * 59: ""}),
        ("[1, 2", "[1, 2"),
        ('{"stack": "x", "message": "no"}', '{"message": "no", "stack": "x"}'),
    ],
)
def test_a_limited_part_is_kept_and_what_is_useful_comes_first(error: Any, kept: Any) -> None:
    assert keep(error, limit=LIMIT) == kept


@pytest.mark.parametrize("error", ["x", {"message": "x"}, None, 7])
def test_a_limit_of_nothing_keeps_nothing(error: Any) -> None:
    assert keep(error, limit=0) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        # Names in front of values.
        (f"password={SECRET}", f"password={REDACTED}"),
        (f"password = {SECRET} for acme", f"password = {REDACTED} for acme"),
        (f"Password: {SECRET}\nnext", f"Password: {REDACTED}\nnext"),
        (f"passwd:{SECRET};host=x", f"passwd:{REDACTED};host=x"),
        (f"dbPassword=>{SECRET} x", f"dbPassword=>{REDACTED} x"),
        (f"client_secret_2: '{SECRET} and more', id: 7", f"client_secret_2: {REDACTED}, id: 7"),
        (f"X-Api-Key: {SECRET}", f"X-Api-Key: {REDACTED}"),
        (f"apiKey={SECRET}&x=1", f"apiKey={REDACTED}&x=1"),
        (f"{{'access_token': '{SECRET}', 'id': 7}}", f"{{'access_token': {REDACTED}, 'id': 7}}"),
        (f'x {{"token": "{SECRET} \\" {SECRET}", "id": 7}}', f'x {{"token": {REDACTED}, "id": 7}}'),
        (f'x "{{\\"token\\":\\"{SECRET}\\",\\"id\\":7}}"', f'x "{{\\"token\\":{REDACTED},\\"id\\":7}}"'),
        (
            f'x "{{\\"token\\":\\"{SECRET} \\\\\\" {SECRET}\\",\\"id\\":7}}"',
            f'x "{{\\"token\\":{REDACTED},\\"id\\":7}}"',
        ),
        (f'x {{"token": "{SECRET}', f'x {{"token": {REDACTED}'),
        (f'x {{"credentials": {{"user": "{SECRET}"}}, "id": 7}}', f'x {{"credentials": {REDACTED}'),
        (f"env[API_KEY] = {SECRET}", f"env[API_KEY] = {REDACTED}"),
        (f"auth={SECRET}", f"auth={REDACTED}"),
        # Headers.
        (f"Authorization: Basic {SECRET}\r\nHost: x", f"Authorization: {REDACTED}\r\nHost: x"),
        (f'authorization: Digest username="x", response="{SECRET}"', f"authorization: {REDACTED}"),
        (f"Cookie: a=1; sid={SECRET}\nHost: x", f"Cookie: {REDACTED}\nHost: x"),
        (f"Set-Cookie: sid={SECRET}; Path=/", f"Set-Cookie: {REDACTED}"),
        (f"curl -H 'Authorization: Bearer {SECRET}' https://x", f"curl -H 'Authorization: {REDACTED}"),
        # Schemes.
        (f"with bearer {SECRET}, refused", f"with bearer {REDACTED}, refused"),
        (f"Bearer%20{SECRET}", f"Bearer%20{REDACTED}"),
        (f"Bearer token {SECRET}", f"Bearer token {REDACTED}"),
        ("sent Basic dXNlcjpwYXNz to x", f"sent Basic {REDACTED} to x"),
        # Addresses.
        (f"https://x.test/a?access_token={SECRET}&b=1", f"https://x.test/a?access_token={REDACTED}&b=1"),
        (f"https://x.test/a?code={SECRET}&state=1", f"https://x.test/a?code={REDACTED}&state=1"),
        (f"https://x.test/#id_token={SECRET}", f"https://x.test/#id_token={REDACTED}"),
        (f"next=https%3A%2F%2Fx%3Faccess_token%3D{SECRET}", f"next=https%3A%2F%2Fx%3Faccess_token%3D{REDACTED}"),
        (f"postgres://us:{SECRET}/#?@host:5432/x", f"postgres://{REDACTED}@host:5432/x"),
        (f"https://{SECRET}@host/x", f"https://{REDACTED}@host/x"),
        # Secrets without a name.
        (f"GET /x with {KEY} failed", f"GET /x with {REDACTED} failed"),
        ("tk_0123456789abcdef", REDACTED),
        (f"token={SECRET * 50} and more", f"token={REDACTED} and more"),
        ("key pk0123456789abcdef was refused", f"key {REDACTED} was refused"),
        ("sk_live_0123456789", REDACTED),
        ("xoxb-123-456-abc", REDACTED),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln.", f"got {REDACTED}"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nx", f"{REDACTED}\nx"),
        ("-----BEGIN PRIVATE KEY-----\nabc", REDACTED),
        # No secrets.
        ("invalid_token", "invalid_token"),
        ("The token has expired", "The token has expired"),
        ("Bearer token is invalid", "Bearer token is invalid"),
        ('Bearer realm="x", error="invalid"', 'Bearer realm="x", error="invalid"'),
        ("Basic authentication failed", "Basic authentication failed"),
        ("https://x.test:8080/a/b?id=7&page=2#top", "https://x.test:8080/a/b?id=7&page=2#top"),
        ("mail to ann@x.test", "mail to ann@x.test"),
        ("author: Ann", "author: Ann"),
        ("compass: north", "compass: north"),
        ("the abc of it", "the abc of it"),
    ],
)
def test_secrets_are_taken_out_of_texts(text: str, kept: str) -> None:
    assert keep(text) == kept
    assert keep({"message": text}) == {"message": kept}


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        ({"password": SECRET}, {"password": REDACTED}),
        ({"a": [{"client_secret": {"x": SECRET}}]}, {"a": [{"client_secret": REDACTED}]}),
        ({"h": {"Authorization": SECRET, "Cookie": [SECRET]}}, {"h": {"Authorization": REDACTED, "Cookie": REDACTED}}),
        ({"auth": {"username": "x", "password": SECRET}}, {"auth": REDACTED}),
        ({"pin": 1234, "token": None, "has_token": True}, {"pin": REDACTED, "token": None, "has_token": True}),
        ([{"name": "X-Api-Key", "value": SECRET}], [{"name": "X-Api-Key", "value": REDACTED}]),
        ([{"key_name": "password", "key_value": SECRET}], [{"key_name": "password", "key_value": REDACTED}]),
        (["the token has expired", "x"], ["the token has expired", "x"]),
        (["Host", "x", "Authorization", SECRET, "y"], ["Host", "x", "Authorization", REDACTED, "y"]),
        ({f"token={SECRET}": "x"}, {f"token={REDACTED}": REDACTED}),
        ({"x" * 300: SECRET}, {"x" * 199 + CUT: REDACTED}),
        ({"body": f'{{"auth_key": "{SECRET}", "id": 7}}'}, {"body": f'{{"auth_key": "{REDACTED}", "id": 7}}'}),
        ([text({"a": text({"token": {"b": SECRET}})})], [text({"a": text({"token": REDACTED})})]),
        ({"smtpPass": SECRET, "auth_type": "oauth2"}, {"smtpPass": REDACTED, "auth_type": "oauth2"}),
        ({"tokens_url": "https://x"}, {"tokens_url": REDACTED}),
        ({"id": "acme", "key": "PROJ-1", "value": "v"}, {"id": "acme", "key": "PROJ-1", "value": "v"}),
    ],
)
def test_secrets_are_taken_out_of_nested_values_by_their_names(error: Any, kept: Any) -> None:
    assert keep(error) == kept


@pytest.mark.parametrize(
    "written",
    [
        f"password={SECRET}",
        f'"password": "{SECRET}"',
        f"Authorization: Bearer {SECRET}",
        f"Bearer {SECRET}",
        f"https://us:{SECRET}@host/",
        f"https://host/?access_token={SECRET}",
        f"eyJ{SECRET}",
        f"tk_{SECRET}",
        f"-----BEGIN PRIVATE KEY-----{SECRET}",
    ],
)
def test_no_part_of_a_secret_is_kept_wherever_the_limit_cuts_it(written: str) -> None:
    for behind in ("", " and more", " x" * LARGE):
        for before in range(LIMIT + 1):
            kept = keep("." * before + " " + written + behind, limit=LIMIT)

            assert len(kept) <= LIMIT
            assert SECRET[:3] not in kept


@pytest.mark.parametrize("written", ["token={}", 'token="{}"', "Authorization: {}", "-----BEGIN PRIVATE KEY-----{}"])
def test_nothing_is_kept_behind_a_secret_that_goes_on_where_nobody_looks(written: str) -> None:
    kept = keep(written.format(SECRET * 10_000), limit=LIMIT)

    assert kept.endswith(REDACTED + CUT)
    assert SECRET[:3] not in kept


def test_what_is_nested_too_deep_is_cut() -> None:
    assert keep("[" * 900 + "7" + "]" * 900) == "[" * 64 + f'"{CUT}"' + "]" * 64


@pytest.mark.parametrize(
    "piece",
    [
        *("x", " ", "{}", "'", '"', "[", "{", "\\", "[1,", '{"a":', "=>", "%3d", "a=1&", "://", "://a:", "eyJ", "tk_"),
        *("token", "token=", 'token="', "password ", "Bearer ", "basic A", "authorization:", "cookie: "),
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_the_work_depends_on_the_limit_and_not_on_the_size(piece: str) -> None:
    began = time.process_time()

    kept = keep({"message": piece * (LARGE // len(piece))})

    assert size(kept) <= 2000 + 10
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "error", [[0] * 500_000, {str(n): n for n in range(90_000)}, ["token"] * 100_000, [[]] * 300_000]
)
def test_many_small_parts_are_limited_too(error: Any) -> None:
    assert size(keep(error)) <= 2000 + 10


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (None, None),
        ("", None),
        ({}, None),
        ([], None),
        ("no such channel", "no such channel"),
        (404, "404"),
        ({"message": "no such channel"}, "no such channel"),
        ({"message": "no", "code": "X1", "status": 404, "stack": "..."}, "no (code X1, status 404)"),
        ({"message": "", "code": 7}, '{"code": 7, "message": ""}'),
        ({"message": {"text": "é"}}, '{"message": {"text": "é"}}'),
        (["é", 1], '["é", 1]'),
        ({"message": f"password={SECRET}"}, f"password={REDACTED}"),
    ],
)
def test_an_error_is_described_in_one_text(error: Any, text: str | None) -> None:
    redactor = Redactor(limit=2000)

    assert redactor.describe(redactor.keep(error)) == text


def test_the_text_of_an_error_is_limited_too() -> None:
    redactor = Redactor(limit=20)

    assert redactor.describe({"message": "no", "code": "y" * 12}) == "no (code yyyyyyyyyyyy)"[:19] + CUT
    assert redactor.describe({"message": "no", "code": "y" * 10}) == "no (code yyyyyyyyyy)"
    assert redactor.describe({"a": "y" * 20}) == '{"a": "yyyyyyyyyyyy' + CUT


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=tries(300))
@given(error=JSON, limit=st.integers(0, 80), hidden=st.sampled_from(["password", "X-Api-Key", "accessToken"]))
def test_whatever_the_error_is_the_limit_holds_and_the_secret_is_gone(error: Any, limit: int, hidden: str) -> None:
    redactor = Redactor([KEY], limit=limit)

    kept = redactor.keep(
        {"a": error, hidden: SECRET, "b": [f"{hidden}={SECRET}", KEY], "c": json.dumps({hidden: SECRET})}
    )

    assert SECRET not in json.dumps(kept)
    assert KEY not in json.dumps(kept)
    assert len(redactor.describe(kept) or "") <= limit
