"""Tables and JSON of a run."""
