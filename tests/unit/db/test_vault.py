"""Sealed values come back, under any of the keys, and are readable under none."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cobalt_mirror.db.errors import CannotUnseal, NoSecretKeys
from cobalt_mirror.db.vault import Vault

SECRET = "hunter2-tell-nobody"
OLD, NEW = (base64.urlsafe_b64encode(name.encode() * 8).decode() for name in ("old!", "new!"))
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(value=st.dictionaries(st.text(), JSON))
def test_what_was_sealed_comes_back(value: object) -> None:
    vault = Vault.from_keys(NEW)

    assert vault.unseal(vault.seal(value)) == value


def test_a_sealed_value_shows_nothing_and_is_never_the_same_twice() -> None:
    vault = Vault.from_keys(NEW)

    assert SECRET not in vault.seal(SECRET)
    assert vault.seal(SECRET) != vault.seal(SECRET)


def test_the_first_key_seals_and_every_key_opens() -> None:
    old, rotated = Vault.from_keys(OLD), Vault.from_keys(f" {NEW} , {OLD},")

    assert rotated.unseal(old.seal(SECRET)) == SECRET
    assert Vault.from_keys(NEW).unseal(rotated.seal(SECRET)) == SECRET
    with pytest.raises(CannotUnseal, match="add the key that encrypted it"):
        old.unseal(rotated.seal(SECRET))


@pytest.mark.parametrize("token", ["", "nonsense", "gAAAAA=="])
def test_what_was_never_sealed_cannot_be_opened(token: str) -> None:
    with pytest.raises(CannotUnseal):
        Vault.from_keys(NEW).unseal(token)


@pytest.mark.parametrize("text", ["", " ", ",", " , "])
def test_without_keys_nothing_is_sealed_opened_or_marked_as_secret(text: str) -> None:
    empty = Vault.from_keys(text)

    assert not empty
    with pytest.raises(NoSecretKeys, match="MIRROR_SECRET_KEYS is not set"):
        empty.seal(SECRET)
    with pytest.raises(NoSecretKeys, match="MIRROR_SECRET_KEYS is not set"):
        empty.fingerprint(SECRET, secret=True)
    with pytest.raises(CannotUnseal, match="MIRROR_SECRET_KEYS is not set"):
        empty.unseal(Vault.from_keys(NEW).seal(SECRET))


@pytest.mark.parametrize("key", [SECRET, NEW[:-4], NEW + NEW, "ä" * 44, "\udcff" * 44])
def test_what_is_no_key_is_refused_by_its_place_and_not_shown(key: str) -> None:
    with pytest.raises(ValueError) as refused:
        Vault.from_keys(f"{NEW},{key}")

    assert "key 2 is not a Fernet key" in str(refused.value)
    assert key not in str(refused.value)


def test_a_vault_does_not_show_its_keys() -> None:
    assert repr(Vault.from_keys(f"{NEW},{OLD}")) == "Vault(2 keys)"


@pytest.mark.parametrize("secret", [True, False])
def test_a_fingerprint_tells_equal_texts_also_after_a_rotation(secret: bool) -> None:
    mark = Vault.from_keys(OLD).fingerprint(SECRET, secret=secret)
    rotated = Vault.from_keys(f"{NEW},{OLD}")

    assert SECRET not in mark
    assert rotated.matches(SECRET, mark)
    assert not rotated.matches(SECRET + "!", mark)
    assert Vault.from_keys(NEW).matches(SECRET, mark) is not secret


def test_a_secret_s_fingerprint_cannot_be_guessed_without_the_key() -> None:
    marks = {Vault.from_keys(key).fingerprint(SECRET, secret=True) for key in (OLD, NEW)}

    assert len(marks | {Vault.from_keys(NEW).fingerprint(SECRET, secret=False)}) == 3
