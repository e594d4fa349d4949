"""Tests of the rules: worlds, what must fire in them, and how promtool runs them."""
