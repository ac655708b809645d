"""The study of detection: how often do fingerprints see suspects?"""
