"""Anything that answers pictures with labels: one protocol, one small file per wire format."""
