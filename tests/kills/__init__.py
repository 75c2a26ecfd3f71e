"""Processes that are killed at every point of a renewal, and what is left of their sessions."""
