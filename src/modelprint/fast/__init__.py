"""Faster evaluation of networks without changing their outputs. Independent of methods."""
