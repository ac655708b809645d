"""The study of ownership: are copies of the victim told from models that are none?"""
