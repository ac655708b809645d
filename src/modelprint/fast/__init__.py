"""How networks are made fast without changing their answers. Knows no method."""
