"""How jobs are followed and added up, from event streams, without losing count."""
