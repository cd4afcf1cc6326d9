"""Target selection: eligibility, keys, tournament, commit."""
