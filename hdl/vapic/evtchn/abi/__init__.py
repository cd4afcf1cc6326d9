"""How events are laid out for guests: one file for each ABI."""
