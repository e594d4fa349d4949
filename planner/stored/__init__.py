"""What a Prometheus has stored, and how it is asked."""
