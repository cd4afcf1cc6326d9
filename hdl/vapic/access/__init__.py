"""Bus port, access rights and address map."""
