"""Anything that answers pictures with labels: one interface, one file per wire format."""
