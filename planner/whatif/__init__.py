"""What if: other values, other loads, outages, and what matters most."""
