"""Notices: changes that somebody has to act on, sent to the host by webhooks and to functions of its own."""
