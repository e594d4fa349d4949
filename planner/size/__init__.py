"""How many slots and processes meet the objectives: of one queue, of a file, within budgets, by the hour."""
