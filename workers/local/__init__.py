"""A whole mirror on one machine: the supervisor, the reaper and the embedded Redis."""
