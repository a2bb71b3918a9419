"""Notices: the host is told of changes that somebody has to act on, by webhooks and by functions of its own."""
