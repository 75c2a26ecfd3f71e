"""When an authorization server is asked, and when it is left alone: by one account, and by all of a client."""
