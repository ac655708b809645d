"""The study of ownership, on the benchmark's own runner: are copies of the victim told from models that are none?"""
