"""A private, durable, locked file: what stores and the command line keep their secrets in."""
