"""Seals what must not be readable in a table, and opens it again."""

import base64
import contextlib
import functools
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any, Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from cobalt_mirror.db.errors import CannotUnseal, NoSecretKeys

#: Of a Fernet key as text. Base64 is read up to its padding only, so two keys without a comma would pass as the first.
_KEY_LENGTH = 44
#: How a sealed value begins: a letter for Fernet's version, then the fingerprint of its key. Values of older releases
#: have a time there, which begins with an A, and a fingerprint begins with one of these letters.
VERSION_LETTER, FINGERPRINT_LENGTH, FIRST_LETTERS = "g", 11, "IJKLMNOP"


@functools.lru_cache(maxsize=16)
def _field(key: bytes) -> bytes:
    """Return the eight bytes of a key's fingerprint, from which nobody can tell the key.

    They stand where a Fernet token has a time of eight bytes, which no release of ours reads. So older ones open what
    this one seals (docs/decisions/0012-sealed-values-name-their-key.md). The first bit tells them from a time.
    """
    digest = hashlib.sha256(b"cobalt-mirror: fingerprint of a key:" + base64.urlsafe_b64decode(key)).digest()
    return bytes([digest[0] | 0x80]) + digest[1:8]


def fingerprint_of(key: bytes) -> str:
    """Return the fingerprint of a key, as values that it seals have it: their second to twelfth letter."""
    return base64.urlsafe_b64encode(b"\x80" + _field(key)).decode()[1:]


def find_fingerprint(token: str) -> str | None:
    """Return the fingerprint of the key that a sealed value names; None: an older release sealed it."""
    fingerprint = token[1 : 1 + FINGERPRINT_LENGTH]
    names_one = token[:1] == VERSION_LETTER and fingerprint[:1] in set(FIRST_LETTERS)
    return fingerprint if names_one else None


@functools.lru_cache(maxsize=16)  # making one costs as much as sealing something small
def _fernet(keys: tuple[bytes, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


@dataclass(frozen=True, slots=True, repr=False)
class Vault:
    """Fernet keys, newest first: the first one seals, every one opens. Empty: nothing can be sealed."""

    keys: tuple[bytes, ...]

    @classmethod
    def from_keys(cls, text: str) -> Self:
        """Read comma-separated Fernet keys; the empty text gives an empty vault.

        Raises:
            ValueError: a key is not 32 url-safe base64-encoded bytes. The key itself is not in the text.
        """
        keys = tuple(key.strip().encode(errors="replace") for key in text.split(",") if key.strip())
        for number, key in enumerate(keys, 1):
            try:
                Fernet(key)
                fits = len(key) == _KEY_LENGTH
            except ValueError:
                fits = False
            if not fits:
                raise ValueError(
                    f"key {number} is not a Fernet key; make one with "
                    '`python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"`'
                )
        return cls(keys)

    def derived(self, purpose: str) -> Self:
        """Return a vault with a key of its own for each key: neither opens what the other seals."""
        label = f"cobalt-mirror: {purpose}:".encode()
        digests = [hmac.new(base64.urlsafe_b64decode(key), label, hashlib.sha256).digest() for key in self.keys]
        return type(self)(tuple(base64.urlsafe_b64encode(digest) for digest in digests))

    def __bool__(self) -> bool:
        return bool(self.keys)

    def __repr__(self) -> str:
        return f"Vault({len(self.keys)} keys)"

    def seal(self, value: Any) -> str:
        """Encrypt a JSON value with the first key; the result shows that key's fingerprint.

        Raises:
            NoSecretKeys: there is none.
        """
        return self._seal(json.dumps(value).encode())

    def unseal(self, token: str) -> Any:
        """Decrypt what `seal` gave.

        Raises:
            CannotUnseal: no key opens it; put the key that sealed it back into `MIRROR_SECRET_KEYS`.
        """
        if not self.keys:
            raise CannotUnseal(
                "MIRROR_SECRET_KEYS is not set, but a stored secret is encrypted; set the key that encrypted it"
            )
        return json.loads(self._open(token))

    def reseal(self, token: str) -> str:
        """Encrypt with the first key what any of them encrypted.

        Raises:
            CannotUnseal: no key opens it.
            NoSecretKeys: there is none.
        """
        return self._seal(self._open(token))

    def key_fingerprints(self) -> list[str]:
        """Return the fingerprints of the keys, in their order."""
        return [fingerprint_of(key) for key in self.keys]

    def find_opener(self, token: str) -> int | None:
        """Return which key opens a value, counted from 0; None: none does."""
        for number, key in enumerate(self.keys):
            with contextlib.suppress(InvalidToken):
                _fernet((key,)).decrypt(_bytes(token))
                return number
        return None

    def fingerprint(self, text: str, *, secret: bool) -> str:
        """Return a mark by which equal texts are known: keyed with the first key if the text is secret, else a digest.

        Raises:
            NoSecretKeys: the text is secret and there is no key.
        """
        return self._keyed(text, self._get_keys()[0]) if secret else hashlib.sha256(text.encode()).hexdigest()

    def matches(self, text: str, fingerprint: str) -> bool:
        """Tell whether `fingerprint` was made of this text, with any of the keys or none."""
        marks = [self.fingerprint(text, secret=False), *(self._keyed(text, key) for key in self.keys)]
        return any(hmac.compare_digest(mark, fingerprint) for mark in marks)

    @staticmethod
    def _keyed(text: str, key: bytes) -> str:
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def _seal(self, text: bytes) -> str:
        field = int.from_bytes(_field(self._get_keys()[0]), "big")
        return _fernet(self.keys).encrypt_at_time(text, current_time=field).decode()

    def _open(self, token: str) -> bytes:
        try:
            return _fernet(self._get_keys()).decrypt(_bytes(token))
        except InvalidToken:
            fingerprint = find_fingerprint(token)
            known = "" if fingerprint is None else f" (its fingerprint is {fingerprint})"
            raise CannotUnseal(
                f"no key in MIRROR_SECRET_KEYS decrypts a stored secret; add the key that encrypted it{known}"
            ) from None

    def _get_keys(self) -> tuple[bytes, ...]:
        if not self.keys:
            raise NoSecretKeys(
                "MIRROR_SECRET_KEYS is not set, so no secret can be stored; set it to a Fernet key and publish again"
            )
        return self.keys


def _bytes(token: str) -> bytes:
    return token.encode(errors="replace")  # SQLite's JSON may have half of a surrogate pair in it
