"""Examples, each runnable by itself: python -m examples.NAME."""
