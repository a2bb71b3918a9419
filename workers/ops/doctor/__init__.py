"""The examination of an installation: every part of it is looked at, and judged with a remedy."""
