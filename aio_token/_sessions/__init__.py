"""A person's side of a repository: signing in and out, being asked, and what was granted of what was wanted."""
