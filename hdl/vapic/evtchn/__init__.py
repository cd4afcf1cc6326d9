"""Event channels: port rows, commands, upcalls."""
