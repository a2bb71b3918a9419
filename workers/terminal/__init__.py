"""How commands talk to people: tables, JSON, error sentences and signals."""
