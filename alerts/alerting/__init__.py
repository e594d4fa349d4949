"""The alerting rules."""
