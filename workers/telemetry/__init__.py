"""What a process tells those who watch it: numbers, each only where a setting asks for it."""
