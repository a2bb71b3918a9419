"""Apps that use the mirror, each as `make example APP=...` runs it."""
