"""The study of ownership: can copies of the victim be distinguished from unrelated models?"""
