"""The core: values, policy, the single flight."""
