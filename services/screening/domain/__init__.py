"""The rules of screening: pure functions and values, standard library only."""
