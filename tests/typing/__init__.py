"""What type checkers say about code that uses the public interface: checked by mypy and pyright, never run."""
