"""Integration tests against a real Spring Authorization Server, and the part that builds and starts one."""
