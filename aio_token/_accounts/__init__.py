"""Many accounts: repositories by name, and what they share."""
