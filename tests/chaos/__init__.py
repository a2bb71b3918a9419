"""The chaos run: real parts, customers at work, and everything that can fail failing at random (`make chaos`)."""
