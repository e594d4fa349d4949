"""The band in which one run of so many jobs falls."""
