"""The session token of a page: it is the customer's own, and costs nobody what Cobalt has of an account."""

from http import HTTPStatus

import pytest

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.events import UserDeleted, UserSignedUp
from tests.integration.page.conftest import Visit


def test_a_session_token_is_the_signed_in_customer_s(visit: Visit) -> None:
    token = visit.post("token").json()

    assert token["base_url"] == "http://sandbox.test"
    assert visit.post("token").json() == token
    assert visit.post("token", anew=True).json() != token
    assert [call.linked_account_id for call in visit.world.sandbox.calls(route="session_token")] == ["acme", "acme"]
    assert len([call for call in visit.world.rows("calls") if call["because"] == {"web": "session token"}]) == 2


@pytest.mark.parametrize("is_there", [True, False])
def test_neither_a_wrong_answer_nor_a_new_account_costs_a_customer_name_and_udf(visit: Visit, is_there: bool) -> None:
    world = visit.world
    world.publish(UserSignedUp("acme", name="Acme", udf={"plan": "pro"}))
    world.work_until_quiet()
    world.sandbox.change_settings(upsert_left_out="cleared")
    if is_there:
        world.sandbox.add_faults(
            Fault(route="session_token", times=1, status=HTTPStatus.BAD_REQUEST, error="INVALID_LINKED_ACCOUNT_ID")
        )
    else:
        world.client.delete_account("acme")
    world.calls()

    assert visit.post("token").status_code == 200
    assert ("upsert_account" in world.calls()) is not is_there
    account = next(each for each in world.sandbox.state()["accounts"] if each["linked_account_id"] == "acme")
    assert (account["name"], account["udf"]) == ("Acme", {"plan": "pro"})


@pytest.mark.parametrize("is_done", [False, True])
def test_a_page_that_was_left_open_does_not_create_anew_who_is_deleted(visit: Visit, is_done: bool) -> None:
    visit.world.publish(UserDeleted("acme"))
    if is_done:
        visit.world.work_until_quiet()
    before = visit.world.sandbox.state()["accounts"]

    assert visit.post("token").status_code == 409
    assert visit.world.sandbox.state()["accounts"] == before
    assert visit.world.sandbox.calls(route="session_token") == []
