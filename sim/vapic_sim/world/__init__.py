"""Time, and the way to a controller: agents step it cycle by cycle or past idle time."""
