"""Seals what must not be readable in a table, and opens it again."""

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


@functools.lru_cache(maxsize=4)  # making one costs as much as sealing something small
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

    def __bool__(self) -> bool:
        return bool(self.keys)

    def __repr__(self) -> str:
        return f"Vault({len(self.keys)} keys)"

    def seal(self, value: Any) -> str:
        """Encrypt a JSON value with the first key.

        Raises:
            NoSecretKeys: there is none.
        """
        return self._fernet().encrypt(json.dumps(value).encode()).decode()

    def unseal(self, token: str) -> Any:
        """Decrypt what `seal` gave.

        Raises:
            CannotUnseal: no key opens it; put the key that sealed it back into `MIRROR_SECRET_KEYS`.
        """
        if not self.keys:
            raise CannotUnseal(
                "MIRROR_SECRET_KEYS is not set, but a stored secret is encrypted; set the key that encrypted it"
            )
        try:
            return json.loads(self._fernet().decrypt(token.encode()))
        except InvalidToken:
            raise CannotUnseal(
                "no key in MIRROR_SECRET_KEYS decrypts a stored secret; add the key that encrypted it"
            ) from None

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

    def _fernet(self) -> MultiFernet:
        return _fernet(self._get_keys())

    def _get_keys(self) -> tuple[bytes, ...]:
        if not self.keys:
            raise NoSecretKeys(
                "MIRROR_SECRET_KEYS is not set, so no secret can be stored; set it to a Fernet key and publish again"
            )
        return self.keys
