"""A small Django project with customers of its own: it publishes, reads and receives notices, and mounts our page."""
