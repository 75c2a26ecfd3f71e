"""The grants."""
