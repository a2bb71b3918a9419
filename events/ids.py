"""Ids for events that the host gives none."""

import os
import time
from uuid import UUID


def new_id() -> str:
    """Return a UUID of version 7 (RFC 9562), in the order of time: from Python 3.14 on, `uuid.uuid7` does the same.

    It has 48 bits of milliseconds, 12 bits of the part of a millisecond after them, and 62 random ones.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    part = (nanoseconds << 12) // 1_000_000
    random_bits = int.from_bytes(os.urandom(8)) >> 2
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | part << 64 | 0b10 << 62 | random_bits))
