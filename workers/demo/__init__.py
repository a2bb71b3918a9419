"""The demo: customers go through the whole flow on real parts, then the mirror is compared with the truth."""
