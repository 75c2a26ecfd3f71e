"""Integration tests against a real Keycloak, and the part that fetches and starts one."""
