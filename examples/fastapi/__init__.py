"""A small app with customers of its own, which mounts the page of integrations and receives notices."""
