"""Ways to obtain a token from an authorization server (RFC 6749 section 1.3)."""
