"""Sealed values come back, under any of the keys, and are readable under none."""

import ast
import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet, MultiFernet
from hypothesis import given
from hypothesis import strategies as st

from cobalt_mirror.db.errors import CannotUnseal, NoSecretKeys
from cobalt_mirror.db.vault import Vault, find_fingerprint

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


def test_a_sealed_value_shows_which_key_sealed_it_and_older_releases_open_it() -> None:
    vault = Vault.from_keys(f"{NEW},{OLD}")
    token = vault.seal(SECRET)

    assert [find_fingerprint(token), find_fingerprint(Vault.from_keys(OLD).seal(SECRET))] == vault.key_fingerprints()
    assert json.loads(MultiFernet([Fernet(OLD), Fernet(NEW)]).decrypt(token)) == SECRET
    assert vault.unseal(Fernet(OLD).encrypt(json.dumps(SECRET).encode()).decode()) == SECRET


@pytest.mark.parametrize(
    ("token", "fingerprint"),
    [
        ("gI0123456789more", "I0123456789"),
        ("gP_-3456789Amore", "P_-3456789A"),
        ("gH0123456789more", None),
        ("gQ0123456789more", None),
        ("gAAAAABpfeZ0more", None),
        ("hI0123456789more", None),
        ("g", None),
        ("", None),
    ],
)
def test_a_time_where_a_fingerprint_would_be_is_none(token: str, fingerprint: str | None) -> None:
    assert find_fingerprint(token) == fingerprint


@given(key=st.binary(min_size=32, max_size=32), others=st.sets(st.binary(min_size=32, max_size=32), max_size=3))
def test_every_key_has_a_fingerprint_of_its_own_that_its_values_show(key: bytes, others: set[bytes]) -> None:
    keys = [base64.urlsafe_b64encode(each) for each in {key, *others}]
    vault = Vault(tuple(keys))

    assert find_fingerprint(vault.seal(SECRET)) == vault.key_fingerprints()[0]
    assert len({*vault.key_fingerprints()}) == len(keys)
    assert not any(fingerprint.encode() in each for fingerprint in vault.key_fingerprints() for each in keys)


def test_what_another_key_sealed_is_found_and_sealed_anew() -> None:
    old, rotated = Vault.from_keys(OLD), Vault.from_keys(f"{NEW},{OLD}")
    anew = rotated.reseal(old.seal(SECRET))

    assert [rotated.find_opener(token) for token in (anew, old.seal(SECRET), "nonsense", "\ud800")] == [
        0,
        1,
        None,
        None,
    ]
    assert Vault.from_keys(NEW).unseal(anew) == SECRET
    with pytest.raises(CannotUnseal, match=rf"its fingerprint is {rotated.key_fingerprints()[0]}\)$"):
        old.reseal(anew)


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


def test_a_derived_vault_and_its_origin_open_nothing_of_each_other_and_rotate_alike() -> None:
    origin = Vault.from_keys(NEW)
    derived = origin.derived("tests")

    for sealing, opening in ((origin, derived), (derived, origin), (derived, origin.derived("others"))):
        with pytest.raises(CannotUnseal):
            opening.unseal(sealing.seal(SECRET))
    assert Vault.from_keys(f"{OLD},{NEW}").derived("tests").unseal(derived.seal(SECRET)) == SECRET
    assert not Vault.from_keys("").derived("tests")


def test_one_call_seals_and_one_module_encrypts_so_that_a_rotation_finds_everything() -> None:
    """Who stores something else sealed adds its column to `db.sealed`, which counts it and seals it anew."""
    root = Path(__file__).parents[3]
    files = [file for folder in ("cobalt", "db", "events", "workers") for file in (root / folder).rglob("*.py")]
    uses = sorted((str(file.relative_to(root)), use) for file in files for use in _uses_of_encryption(file))

    uses.remove(("workers/demo/services.py", "cryptography"))  # it makes a key for the demo
    uses.remove(("workers/reconnect.py", "seal"))  # a link is not stored
    assert uses == [("db/sealed.py", "reseal"), ("db/vault.py", "cryptography"), ("events/publish.py", "seal")]


def _uses_of_encryption(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(attr="seal" | "reseal" as name)):
                yield name
            case ast.ImportFrom(module=str(name)) if name.startswith("cryptography"):
                yield "cryptography"
            case ast.Import(names=names) if any(each.name.startswith("cryptography") for each in names):
                yield "cryptography"
