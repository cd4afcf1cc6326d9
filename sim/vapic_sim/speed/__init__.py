"""How fast the compiled simulation engine is: `vapic bench engine`."""
