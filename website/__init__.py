"""The documentation as a site: `python -m website [DIRECTORY]` builds it, strictly; a warning is a failure.

The pages are those of docs/, in the order of docs/index.md; the reference is made of the docstrings.
"""
