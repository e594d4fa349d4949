"""The hours ahead and their peak, each with a band."""
