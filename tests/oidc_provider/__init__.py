"""Tests against oidc-provider, the authorization server of the Node world, on loopback."""
