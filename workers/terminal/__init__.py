"""How a command talks to a person: tables, JSON, and what Ctrl-C does."""
