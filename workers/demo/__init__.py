"""The demo: run simulated customers against real processes, then compare the mirror with the sandbox."""
