"""Printed scores: what an answer says beyond its label, and whether honest serving could have printed it. No torch."""
