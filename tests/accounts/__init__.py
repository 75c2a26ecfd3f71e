"""Many accounts: names, stores, repositories, and that they never mix."""
