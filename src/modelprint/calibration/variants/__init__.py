"""Honest ways of serving a classifier: one function each, gathered in the tables of `profiles`."""
