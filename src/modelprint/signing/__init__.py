"""Signatures: who vouches for a file, in the form that supply-chain tools read. Needs no torch.

keys         Ed25519 keys in PEM files
statement    what is signed: an in-toto statement about digests
envelope     the signed statement: a DSSE envelope
subjects     the digests that statements are about: fingerprints, models
"""
