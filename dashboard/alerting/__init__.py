"""The screen Alerts: rules in force, what they would have said, and what fires now."""
