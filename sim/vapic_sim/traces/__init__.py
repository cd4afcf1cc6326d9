"""Recorded interrupt loads, and readers of the formats in which they come."""
