"""The verification bench: random traffic, and monitors that follow it on the golden model."""
