"""Laws of times and of arrivals: what can be asked of one, how it is drawn and scaled."""
