"""Bull 3 and 4, whose jobs are followed by pub/sub."""
