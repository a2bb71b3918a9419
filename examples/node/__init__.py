"""A small app in Node with customers of its own. It imports nothing of ours: this folder's Python only starts it."""
