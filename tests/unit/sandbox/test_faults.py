"""The rate limit and the faults that can be played."""

from http import HTTPStatus
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cobalt_mirror.cobalt.sandbox import Answer, Effect, Fault, RetryAfter, Sandbox
from tests.unit.sandbox.conftest import ACCOUNT, CONFIG, PUBLIC, Api, TestClock, ok, refused


def names(sandbox: Sandbox) -> list[str | None]:
    return [row["name"] for row in sandbox.state()["accounts"]]


def rename(api: Api, name: str = "New", **rest: Any) -> httpx.Response:
    return api("PUT", ACCOUNT, json={"linked_account_id": "acme", "name": name}, **rest)


def test_five_calls_at_once_and_then_twenty_a_second_for_the_whole_organisation(
    api: Api, sandbox: Sandbox, clock: TestClock
) -> None:
    production, browser = Api(sandbox, clock, key="pk_sandbox"), api.browser()
    sandbox.change_settings(rate_limited=True)

    statuses = [
        api("GET", ACCOUNT).status_code,
        production("GET", ACCOUNT).status_code,
        browser.get("/api/v2/f-sdk/application").status_code,
        api("GET", "/api/nosuch").status_code,
        api("GET", ACCOUNT).status_code,
        api("GET", ACCOUNT).status_code,
    ]
    assert statuses == [200, 200, 200, 501, 200, 429]
    for _ in range(40):
        clock.forward(0.05)
        assert api("GET", ACCOUNT).status_code == 200
    assert api("GET", ACCOUNT).status_code == 429


def test_pages_and_the_control_api_are_not_metered(api: Api, sandbox: Sandbox) -> None:
    sandbox.change_settings(rate_limited=True)
    for _ in range(6):
        assert api.http.get("/_sandbox/state").status_code == 200
        assert api.http.get("/consent").status_code == 400
    assert api("GET", ACCOUNT).status_code == 200


@given(gaps=st.lists(st.floats(min_value=0, max_value=0.5), max_size=60))
def test_no_window_holds_more_than_the_burst_and_the_refill(gaps: list[float]) -> None:
    clock = TestClock()
    sandbox = Sandbox(clock=clock)
    api = Api(sandbox, clock)
    allowed: list[float] = []
    now = 0.0
    for gap in gaps:
        clock.forward(gap)
        now += gap
        if api("GET", ACCOUNT).status_code == 200:
            allowed.append(now)
    for first, start in enumerate(allowed):
        for last in range(first, len(allowed)):
            # The clock counts whole microseconds, so that each step may round in the caller's favour.
            assert last - first + 1 <= 5 + 20 * (allowed[last] - start) + 0.01


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (RetryAfter.ABSENT, None),
        (RetryAfter.SECONDS, "1"),
        (RetryAfter.DATE, "Mon, 04 May 2026 03:02:02 GMT"),
    ],
)
def test_retry_after_takes_the_form_that_the_setting_says(
    api: Api, sandbox: Sandbox, form: RetryAfter, value: str | None
) -> None:
    sandbox.change_settings(retry_after=form)
    sandbox.add_faults(Fault(answer=Answer.THROTTLE, times=1))

    answer = api("GET", ACCOUNT)
    assert refused(answer) == (429, "TOO_MANY_REQUESTS")
    assert answer.headers.get("retry-after") == value
    assert api("GET", ACCOUNT).status_code == 200


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("answer", [Answer.ERROR, Answer.TIMEOUT, Answer.CLOSED, Answer.HTML])
def test_a_failed_call_takes_effect_or_not_as_the_rule_says(
    api: Api, sandbox: Sandbox, clock: TestClock, answer: Answer, effect: Effect
) -> None:
    sandbox.add_faults(Fault(answer=answer, status=HTTPStatus.BAD_GATEWAY, effect=effect, later_seconds=30, times=1))
    expected = {Answer.TIMEOUT: httpx.ReadTimeout, Answer.CLOSED: httpx.RemoteProtocolError}.get(answer)
    if expected is None:
        response = rename(api, timeout=5)
        assert response.status_code == 502
        assert response.headers["content-type"].startswith("text/html" if answer is Answer.HTML else "application/json")
    else:
        with pytest.raises(expected):
            rename(api, timeout=5)

    assert names(sandbox) == ["New" if effect is Effect.DONE else "Acme"]
    clock.forward(30)
    assert names(sandbox) == ["Acme" if effect is Effect.NONE else "New"]
    assert sandbox.calls()[0].fault == f"{answer}, effect {effect}"
    assert sandbox.late_effects() == 0


@pytest.mark.parametrize(
    ("path", "rule", "key"),
    [
        (f"{PUBLIC}/slug/slack/config", {"status": 503}, "error_code"),
        (f"{PUBLIC}/slug/slack/config", {"status": 404, "error": "SERVER_ERROR"}, "error_code"),
        (f"{PUBLIC}/slug/slack/config", {"status": 401}, "error"),
        (f"{PUBLIC}/slug/slack/config", {"status": 403}, "error"),
        (f"{PUBLIC}/slug/slack/config", {"answer": "throttle"}, "error"),
        (f"{PUBLIC}/slug/slack/config", {"status": 400, "error": "INVALID_LINKED_ACCOUNT_ID"}, "error"),
        (f"{PUBLIC}/application", {"status": 503}, "error"),
        (f"{PUBLIC}/nosuch", {"status": 503}, "error"),
    ],
)
def test_an_injected_error_names_its_code_as_the_route_does(
    api: Api, sandbox: Sandbox, path: str, rule: dict[str, Any], key: str
) -> None:
    sandbox.add_faults(Fault.model_validate(rule))
    answer = api("GET", path)

    assert refused(answer)[0] == rule.get("status", 429)
    assert key in answer.json()


def test_a_late_effect_lands_over_what_was_written_meanwhile(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    sandbox.add_faults(Fault(answer=Answer.ERROR, effect=Effect.LATER, later_seconds=10, times=1))
    assert rename(api, "Late").status_code == 500
    clock.forward(9.9)
    ok(rename(api, "Early"))
    assert names(sandbox) == ["Early"]
    clock.forward(0.1)

    assert ok(api("GET", f"{ACCOUNT}/acme"))["name"] == "Late"


def test_cut_json_has_its_effect_and_does_not_parse(api: Api, sandbox: Sandbox) -> None:
    sandbox.add_faults(Fault(answer=Answer.TRUNCATED, times=1))
    answer = rename(api)

    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()
    assert names(sandbox) == ["New"]


def test_rules_with_times_in_a_row_are_a_script(api: Api, sandbox: Sandbox) -> None:
    sandbox.add_faults(
        Fault(answer=Answer.NORMAL, times=1, route="list_accounts"),
        Fault(status=HTTPStatus.SERVICE_UNAVAILABLE, times=2, route="list_accounts"),
        Fault(status=HTTPStatus.BAD_GATEWAY, times=1, path=f"{PUBLIC}/linked*"),
    )

    statuses = [api("GET", ACCOUNT).status_code for _ in range(5)]
    assert statuses == [200, 503, 503, 502, 200]
    assert sandbox.faults() == []


def test_a_rule_matches_by_method_path_route_slug_and_account(api: Api, sandbox: Sandbox) -> None:
    api.upsert("other")
    sandbox.add_faults(
        Fault(status=HTTPStatus.FORBIDDEN, slug="slack", linked_account_id="acme"), Fault(method="DELETE")
    )

    def statuses(account: str) -> list[int]:
        return [
            api("GET", f"{PUBLIC}/application/slack", account=account).status_code,
            api("POST", CONFIG, account=account, json={"slug": "slack"}).status_code,
            api(
                "PUT", f"{PUBLIC}/config/field/channel", account=account, headers={"slug": "slack"}, json={}
            ).status_code,
            api("GET", f"{PUBLIC}/application/github", account=account).status_code,
        ]

    assert statuses("acme") == [403, 403, 403, 200]
    assert statuses("other") == [200, 200, 200, 200]
    assert api("DELETE", f"{ACCOUNT}/other").status_code == 500


def test_a_refused_key_is_401_everywhere_until_it_is_taken_back(api: Api, sandbox: Sandbox) -> None:
    sandbox.add_faults(Fault(status=HTTPStatus.UNAUTHORIZED))
    assert refused(api("GET", ACCOUNT)) == (401, "UNAUTHORIZED")
    assert api.http.get("/_sandbox/state").status_code == 200
    sandbox.clear_faults()
    assert api("GET", ACCOUNT).status_code == 200


def test_a_share_of_calls_fails_the_same_way_for_the_same_seed(clock: TestClock) -> None:
    def played(seed: int) -> list[int]:
        sandbox = Sandbox(clock=clock, seed=seed, rate_limited=False)
        sandbox.add_faults(Fault(share=0.3))
        api = Api(sandbox, clock)
        return [api("GET", ACCOUNT).status_code for _ in range(200)]

    assert played(1) == played(1) != played(2)
    assert 30 < played(1).count(500) < 90


def test_latency_passes_time_or_runs_out_of_patience_after_the_effect(
    api: Api, sandbox: Sandbox, clock: TestClock
) -> None:
    began = clock.now
    sandbox.add_faults(Fault(answer=Answer.LATENCY, min_ms=2000), Fault(answer=Answer.ERROR, times=1))
    assert rename(api, "Slow", timeout=5).status_code == 500
    assert (clock.now - began).total_seconds() == 2.0
    with pytest.raises(httpx.ReadTimeout):
        rename(api, "Slower", timeout=1)

    assert (clock.now - began).total_seconds() == 3.0
    assert names(sandbox) == ["Slower"]


@pytest.mark.parametrize(
    "rule",
    [
        {"answer": "throttle", "effect": "done"},
        {"answer": "truncated", "effect": "none"},
        {"status": 200},
        {"status": 299},
        {"share": 2},
        {"times": 0},
        {"min_ms": 2, "max_ms": 1},
        {"anwser": "error"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Fault.model_validate(rule)


def test_a_rule_for_an_account_reaches_its_session_tokens(api: Api, sandbox: Sandbox) -> None:
    api.upsert("other")
    of_acme, of_other = api.browser(), api.browser("other")
    sandbox.add_faults(Fault(linked_account_id="acme", status=HTTPStatus.SERVICE_UNAVAILABLE))
    by_token = "/api/v2/f-sdk/application"

    assert of_acme.get(by_token).status_code == 503
    assert of_acme.get(by_token, headers={"x-api-key": "tk_sandbox"}).status_code == 503  # the path takes tokens only
    assert of_acme.get(f"{PUBLIC}/application", headers={"linked_account_id": "other"}).status_code == 503
    assert of_other.get(by_token).status_code == 200
    assert api("GET", f"{PUBLIC}/application", account="other").status_code == 200
