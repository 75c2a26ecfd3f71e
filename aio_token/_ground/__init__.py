"""What everything stands on: values, the names that users write, the version."""
