"""What only listens."""
