"""The file that users write, and its words."""
