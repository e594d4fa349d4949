"""How Redis is reached: servers, connections, round trips, rights."""
