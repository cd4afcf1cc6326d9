"""Virtual local APICs as memory rows behind one pipeline."""
