"""Bringing a database up to date while hosts use it: short waits for locks, turns, and who holds a lock."""
