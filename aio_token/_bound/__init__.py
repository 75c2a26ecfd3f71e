"""Tokens that are bound to a key (DPoP, RFC 9449): the key, the token, the proof of a request, and servers' nonces."""
