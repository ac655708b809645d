"""Numerics shared by methods."""
