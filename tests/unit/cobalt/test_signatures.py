"""Notifications are believed only when one of our keys signed their bytes."""

import hmac

import pytest

from cobalt_mirror.cobalt import is_signed, sign

BODY = b'{"event": "Connection Created"}'


def test_the_signature_is_hmac_sha256_in_lower_case_hex() -> None:
    # RFC 4231, test case 2
    assert (
        sign(b"what do ya want for nothing?", "Jefe")
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


@pytest.mark.parametrize("keys", [["new"], ["new", "old"], ["old", "new"]])
def test_any_of_the_keys_may_have_signed(keys: list[str]) -> None:
    assert is_signed(BODY, sign(BODY, "new"), keys)


@pytest.mark.parametrize(
    "signature", [None, "", "0" * 64, sign(BODY, "other"), sign(BODY, "new").upper(), "é\ud800", sign(BODY, "new")[:-1]]
)
def test_nothing_else_is_believed(signature: str | None) -> None:
    assert not is_signed(BODY, signature, ["new", "old"])


def test_a_changed_body_is_not_believed() -> None:
    assert not is_signed(BODY + b" ", sign(BODY, "new"), ["new"])


def test_every_comparison_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for signature in ("0" * 64, None):
        assert not is_signed(BODY, signature, ["new", "old"])

    assert [one for one, _ in compared] == [sign(BODY, key).encode() for key in ("new", "old")] * 2


def test_an_empty_key_signs_nothing() -> None:
    assert not is_signed(BODY, sign(BODY, ""), ["", "new"])
    assert not is_signed(BODY, sign(BODY, "new"), [])
