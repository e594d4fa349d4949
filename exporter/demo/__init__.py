"""The demo: an embedded Redis, real jobs, and the truth that the page is held against."""
