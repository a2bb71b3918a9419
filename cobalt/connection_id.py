"""How a call names one connection of an application that holds several: the only place that knows the word."""

from cobalt_mirror.cobalt.identifiers import checked

#: Documented: answers call it `connection_id`, and a disconnect of one among several needs it. Not documented: how a
#: call carries it. Our reading of the vendor's browser SDK: under the same name, in the body of POST and PUT, else in
#: the query. If Cobalt turns out to want it otherwise, change it here.
_NAME = "connection_id"


def named_connection(connection_id: str | None) -> dict[str, str]:
    """Return what a body or query names a connection with; empty for None, which names none.

    Raises:
        InvalidIdentifier: It cannot be sent. A retry does not help: choose another.
    """
    return {} if connection_id is None else {_NAME: checked(connection_id, what="connection_id")}
