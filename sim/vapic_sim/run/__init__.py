"""One run of a recorded load on a controller, with its machine and its books."""
