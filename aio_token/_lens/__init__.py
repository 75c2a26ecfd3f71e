"""Stores that look through to another one, and what they find beside a session in its record."""
