"""Stores that hosts share, on real servers."""
