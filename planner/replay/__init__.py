"""A recorded trace, run again on other slots."""
