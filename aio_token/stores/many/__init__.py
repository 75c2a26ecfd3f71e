"""Stores of many accounts: one credential for each name."""
