"""A notice that was not taken for a while tells of the customer whom it is about, and of nobody else."""

from cobalt_mirror.events import UserDeleted
from tests.integration.notices.host import Host
from tests.integration.notices.receiver import Server

TYPES = "account.renamed account.deleted account.created"


def test_what_is_told_late_of_a_deleted_customer_names_nobody_who_has_the_id_since(host: Host, server: Server) -> None:
    host.sends_to("http://127.0.0.1:1/", types=TYPES)
    host.signs_up("Acme Ltd")
    host.publish(UserDeleted("acme"))
    host.after(hours=1)
    host.signs_up("Another")
    host.sends_to(server.url, types=TYPES)
    host.after(hours=1)

    assert sorted((message["type"], message["data"]["account"]["name"]) for message in server.take()) == [
        ("account.created", "Another"),
        ("account.deleted", None),
        ("account.renamed", None),
    ]
