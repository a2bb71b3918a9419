"""Which addresses are public, and that a name is looked up once."""

import httpcore
import pytest

from cobalt_mirror.workers.notices.addresses import AddressRefused, PublicBackend, is_public

PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "fd12:3456::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:db8::1",
    "not an address",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_any_other_is_not(address: str) -> None:
    assert not is_public(address)


class Network(httpcore.MockBackend):
    """Notes what is connected to. Some addresses do not answer."""

    def __init__(self, *silent: str) -> None:
        super().__init__([])
        self.connected: list[str] = []
        self._silent = silent

    def connect_tcp(self, host: str, *arguments: object, **options: object) -> httpcore.NetworkStream:
        self.connected.append(host)
        if host in self._silent:
            raise httpcore.ConnectError
        return super().connect_tcp(host, 443)


def test_what_is_connected_to_is_the_address_that_was_checked() -> None:
    answers = [["8.8.8.8"], ["127.0.0.1"]]  # whoever answers for the name changes his mind
    network = Network()

    PublicBackend(network, resolve=lambda _host, _port: answers.pop(0)).connect_tcp("app.test", 443)

    assert (network.connected, len(answers)) == (["8.8.8.8"], 1)


def test_one_private_address_is_too_many() -> None:
    network = Network()
    backend = PublicBackend(network, resolve=lambda _host, _port: ["8.8.8.8", "10.0.0.1"])

    with pytest.raises(AddressRefused, match=r"leads to 10\.0\.0\.1, which is no public address"):
        backend.connect_tcp("app.test", 443)
    assert network.connected == []


def test_the_next_address_is_tried_if_one_does_not_answer() -> None:
    network = Network("8.8.8.8")
    backend = PublicBackend(network, resolve=lambda _host, _port: ["8.8.8.8", "8.8.4.4"])

    backend.connect_tcp("app.test", 443)

    assert network.connected == ["8.8.8.8", "8.8.4.4"]


@pytest.mark.parametrize("addresses", [[], ["8.8.8.8"]])
def test_none_that_answers_is_an_error(addresses: list[str]) -> None:
    backend = PublicBackend(Network("8.8.8.8"), resolve=lambda _host, _port: addresses)

    with pytest.raises(httpcore.ConnectError):
        backend.connect_tcp("app.test", 443)


def test_a_private_address_will_do_if_that_is_allowed() -> None:
    network = Network()

    PublicBackend(network, allows_private=True, resolve=lambda _host, _port: ["127.0.0.1"]).connect_tcp("x.test", 80)

    assert network.connected == ["127.0.0.1"]
