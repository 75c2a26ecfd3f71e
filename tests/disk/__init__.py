"""The durable file."""
