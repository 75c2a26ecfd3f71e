"""Several access tokens of one session (law E5)."""
