"""Golden model in plain Python, written from the specification alone."""
