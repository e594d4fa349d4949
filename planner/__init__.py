"""How many slots, processes and connections a load needs, with waits predicted and a band around them."""
