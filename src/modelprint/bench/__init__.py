"""The benchmark: what is tampered with, how it is measured, and what the tables say."""
