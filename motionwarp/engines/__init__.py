"""What turns a source person and target poses into frames."""
