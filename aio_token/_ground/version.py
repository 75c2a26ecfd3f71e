"""Which release this is: the version in pyproject.toml, which a test compares.

The installed package's metadata says it too, but reading that takes 20 ms, and programs that are frozen into one file
leave it out.
"""

__version__ = "0.1.0"
