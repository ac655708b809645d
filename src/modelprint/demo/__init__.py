"""Try it out: a demo server, and a tour of sealing, serving, tampering and verifying."""
