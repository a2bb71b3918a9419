"""Ids for events that the host gives none."""

import os
import time
from uuid import UUID


def new_id() -> str:
    """Return a UUID of version 7 (RFC 9562): 48 bits of time, then random ones. From Python 3.14 on `uuid` has it."""
    milliseconds, random_bits = time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10))
    value = (milliseconds & (1 << 48) - 1) << 80 | random_bits
    version, variant = 0xF << 76, 0b11 << 62
    return str(UUID(int=value & ~(version | variant) | 0x7 << 76 | 0b10 << 62))
