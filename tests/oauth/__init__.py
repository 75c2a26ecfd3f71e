"""What grants are made of."""
